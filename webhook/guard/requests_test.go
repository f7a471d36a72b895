package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
)

// decoded keeps what is measured from being collected.
var decoded corev1.Pod

func TestWhatIsDecodedTakesNoMoreThanIsEstimated(t *testing.T) {
	const many = 20000
	list := func(path, element string) string {
		open, closing, _ := strings.Cut(path, "…")
		return open + strings.Repeat(element+",", many-1) + element + closing
	}
	for name, document := range map[string]string{
		"empty containers":               list(`{"spec":{"containers":[…]}}`, `{}`),
		"containers that are null":       list(`{"spec":{"containers":[…]}}`, `null`),
		"containers that are numbers":    list(`{"spec":{"containers":[…]}}`, `0`),
		"ephemeral containers":           list(`{"spec":{"ephemeralContainers":[…]}}`, `{}`),
		"volumes":                        list(`{"spec":{"volumes":[…]}}`, `{}`),
		"volumes of all kinds":           list(`{"spec":{"volumes":[…]}}`, `{"emptyDir":{},"nfs":{},"rbd":{},"iscsi":{},"csi":{}}`),
		"containers with all their own":  list(`{"spec":{"containers":[…]}}`, `{"securityContext":{},"livenessProbe":{"httpGet":{}},"lifecycle":{"preStop":{}}}`),
		"annotations":                    `{"metadata":{"annotations":{"a":"b"` + strings.Repeat(`,"`+strings.Repeat("k", 20)+`":""`, many) + `}}}`,
		"fields that are managed":        list(`{"metadata":{"managedFields":[…]}}`, `{"fieldsV1":{"f:a":{"f:b":{}}}}`),
		"a name of a megabyte":           `{"metadata":{"name":"` + strings.Repeat("n", 1<<20) + `"}}`,
		"a name of escapes":              `{"metadata":{"name":"` + strings.Repeat(`\u00df`, 1<<18) + `"}}`,
		"what a pod does not have":       list(`{"spec":{"unknown":[…]}}`, `{"a":[]}`),
		"a list in a list, and so forth": `{"spec":{"containers":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			decoded = corev1.Pod{}
			runtime.GC()
			runtime.ReadMemStats(&before)
			_ = json.Unmarshal([]byte(document), &decoded) // the first fault does not end it
			runtime.ReadMemStats(&after)
			estimate := copies*int64(len(document)) + perValue*values([]byte(document))
			if taken := int64(after.HeapAlloc) - int64(before.HeapAlloc); taken > estimate {
				t.Errorf("it took %d bytes, estimated %d", taken, estimate)
			}
		})
	}
}

func TestValuesAreCountedOutsideOfStrings(t *testing.T) {
	for document, want := range map[string]int64{
		``: 1, `{}`: 2, `[1,2]`: 3, `{"a":"{[,,"}`: 2, `{"a":"\",","b":1}`: 3, `"\\",`: 2,
	} {
		if got := values([]byte(document)); got != want {
			t.Errorf("%s: %d, want %d", document, got, want)
		}
	}
}

func ask(handler http.Handler, from string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", body)
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestTheMemoryForRequestsIsShared(t *testing.T) {
	// Each request is held until it is let go.
	held, release := make(chan struct{}), make(chan struct{})
	handler := Requests(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1<<20 {
			held <- struct{}{}
			<-release
		}
	}))
	large := make([]byte, 6<<20)
	ended := make(chan int)
	hold := func(from string) {
		go func() { ended <- ask(handler, from, bytes.NewReader(large)).Code }()
		<-held
	}
	hold("10.0.0.1:1")
	if w := ask(handler, "10.0.0.1:2", bytes.NewReader(large)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a second large request of the same address gets %d", w.Code)
	}
	if w := ask(handler, "10.0.0.1:3", strings.NewReader("{}")); w.Code != http.StatusOK {
		t.Errorf("a small one of the same address gets %d", w.Code)
	}
	hold("10.0.0.2:1")
	for range 2 {
		release <- struct{}{}
		if code := <-ended; code != http.StatusOK {
			t.Errorf("one that was held gets %d", code)
		}
	}
	hold("10.0.0.1:4")
	release <- struct{}{}
	<-ended
}

func TestWhatIsReadIsGivenBack(t *testing.T) {
	q, _ := Requests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).(*requests)
	for name, body := range map[string]io.Reader{
		"one that is read":       strings.NewReader("{}"),
		"one that breaks off":    io.MultiReader(bytes.NewReader(make([]byte, 100<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"one that is too large":  bytes.NewReader(make([]byte, MaxBody+1)),
		"one that is too rich":   strings.NewReader(strings.Repeat("[", maxDeciding/perValue+1)),
		"one that never ends":    neverEnding{},
		"one that is not there":  http.NoBody,
		"one of a single stroke": iotest.OneByteReader(strings.NewReader(`{"a":1}`)),
	} {
		func() {
			defer func() { _ = recover() }()
			ask(q, "10.0.0.1:1", body)
		}()
		if taken, by := q.reading.Taken(); taken != 0 || by != 0 || !q.deciding.TryAcquire(maxDeciding) {
			t.Fatalf("%s: %d bytes are not given back, by %d addresses", name, taken, by)
		}
		q.deciding.Release(maxDeciding)
	}
}

// neverEnding is a body of blanks.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
