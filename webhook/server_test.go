package webhook_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook"
	"github.com/leaseholder-dev/leaseholder/webhook/guard"
	"github.com/leaseholder-dev/leaseholder/webhook/webhooktest"
	"github.com/leaseholder-dev/leaseholder/webhook/workloads"
)

// startServer runs the webhook's own server, and gives a client that trusts it.
func startServer(t *testing.T, events webhook.Events) (client *http.Client, url string) {
	t.Helper()
	own := httptest.NewTLSServer(nil)
	own.Close()
	quiet := slog.New(slog.DiscardHandler)
	h := webhook.NewHandler(webhook.Options{Settings: settings(), Leases: &leases{}, Events: events, Logger: quiet})
	port := webhooktest.FreePort(t)
	server := webhook.NewServer(port, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own.TLS.Certificates[0], nil }, h)
	workloads.NewHandler(workloads.Options{Decide: h.Decide, Logger: quiet}).Register(server)
	webhooktest.Background(t, "server", server.Start)
	webhooktest.Eventually(t, "it listens", func(context.Context) error { return server.Started(nil) })
	transport, _ := own.Client().Transport.(*http.Transport)
	transport = transport.Clone()
	transport.ForceAttemptHTTP2 = true
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, "https://127.0.0.1:" + strconv.Itoa(port)
}

// paths are all that the webhook answers at.
func paths() []string {
	var all []string
	for _, policy := range append(injector.Policies(), injector.Unlabelled) {
		all = append(all, webhook.PathOf(policy), workloads.PathOf(policy))
	}
	return all
}

// question is the API server's question, with an object that is JSON, or not.
func question(t *testing.T, resource, object string) string {
	t.Helper()
	asking, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "0f3c", Namespace: "shop", Operation: admissionv1.Create,
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: resource},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(asking), `"object":null`, `"object":`+object, 1)
}

// asked is what a question gets: the code, and the answer if it is one.
func asked(t *testing.T, client *http.Client, method, url, kind string, body io.Reader) (int, *admissionv1.AdmissionResponse) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var r admissionv1.AdmissionReview
	if json.Unmarshal(page, &r) != nil {
		return answer.StatusCode, nil
	}
	return answer.StatusCode, r.Response
}

const goodPod = `{"metadata":{"annotations":{"leaseholder.dev/inject":"true","leaseholder.dev/election":"orders"}},"spec":{"containers":[{"name":"app"}]}}`

func TestRequestsThatAreNone(t *testing.T) {
	var events offered
	client, url := startServer(t, &events)
	const kind = "application/json"
	pods := func(object string) string { return question(t, "pods", object) }
	many := func(n int, element string) string { return strings.Repeat(element+",", n-1) + element }
	// Codes of HTTP are for what is no question, and 200 is for a question, which
	// is then refused by the answer's own code.
	for name, c := range map[string]struct {
		method, kind, body string
		code               int
		// refused is the code in the answer to a question about a pod.
		refused int32
	}{
		"another method":                   {method: http.MethodPut, body: pods(goodPod), code: http.StatusMethodNotAllowed},
		"a question without a body":        {method: http.MethodGet, code: http.StatusMethodNotAllowed},
		"another type":                     {kind: "text/plain", body: pods(goodPod), code: http.StatusUnsupportedMediaType},
		"no type":                          {kind: " ", body: pods(goodPod), code: http.StatusUnsupportedMediaType},
		"10 MB":                            {body: pods(`"` + strings.Repeat("x", 10<<20) + `"`), code: http.StatusRequestEntityTooLarge},
		"a byte too much":                  {body: strings.Repeat(" ", guard.MaxBody+1), code: http.StatusRequestEntityTooLarge},
		"a million containers":             {body: pods(`{"spec":{"containers":[` + many(1000000, "{}") + `]}}`), code: http.StatusRequestEntityTooLarge},
		"a million nothings":               {body: pods(`{"spec":{"containers":[` + many(1000000, "0") + `]}}`), code: http.StatusRequestEntityTooLarge},
		"a million annotations":            {body: pods(`{"metadata":{"annotations":{` + many(1000000, `"":""`) + `}}}`), code: http.StatusRequestEntityTooLarge},
		"lists in lists, very deep":        {body: pods(strings.Repeat("[", 100000) + strings.Repeat("]", 100000)), code: http.StatusRequestEntityTooLarge},
		"lists in lists, deep":             {body: pods(`{"spec":` + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + `}`), code: http.StatusOK, refused: http.StatusBadRequest},
		"objects in objects, too deep":     {body: pods(strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000)), code: http.StatusOK, refused: http.StatusBadRequest},
		"wrong UTF-8":                      {body: pods(`{"metadata":{"name":"` + "\xff\xfe" + `"}}`), code: http.StatusBadRequest},
		"nothing":                          {code: http.StatusBadRequest},
		"half of a question":               {body: pods(goodPod)[:200], code: http.StatusOK, refused: http.StatusBadRequest},
		"no JSON":                          {body: "\x00\x01", code: http.StatusOK, refused: http.StatusBadRequest},
		"another kind":                     {body: `{"apiVersion":"v1","kind":"Pod"}`, code: http.StatusOK, refused: http.StatusBadRequest},
		"a question about nothing":         {body: pods("null"), code: http.StatusOK, refused: http.StatusBadRequest},
		"a pod that is a list":             {body: pods("[]"), code: http.StatusOK, refused: http.StatusBadRequest},
		"a pod that is a word":             {body: pods(`"pod"`), code: http.StatusOK, refused: http.StatusBadRequest},
		"containers that are numbers":      {body: pods(`{"spec":{"containers":[1]}}`), code: http.StatusOK, refused: http.StatusBadRequest},
		"a thousand wrong annotations":     {body: pods(wrongPod(1000)), code: http.StatusOK, refused: http.StatusForbidden},
		"an annotation of two megabytes":   {body: pods(`{"metadata":{"annotations":{"leaseholder.dev/election":"` + strings.Repeat("x", 1900<<10) + `"}}}`), code: http.StatusOK, refused: http.StatusForbidden},
		"a pod with a name of a megabyte":  {body: pods(`{"metadata":{"name":"` + strings.Repeat("x", 1<<20) + `","annotations":{"leaseholder.dev/port":"1"}}}`), code: http.StatusOK, refused: http.StatusForbidden},
		"two thousand containers that ask": {body: pods(strings.Replace(goodPod, `{"name":"app"}`, many(2000, `{"name":"app"}`), 1)), code: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range paths() {
				method, of := c.method, c.kind
				if method == "" {
					method = http.MethodPost
				}
				if of == "" {
					of = kind
				}
				code, answer := asked(t, client, method, url+path, of, strings.NewReader(c.body))
				if code != c.code || (answer == nil) != (code != http.StatusOK) {
					t.Errorf("%s answers %d: %v", path, code, answer)
					continue
				}
				// A workload is never refused: it is only warned of.
				if answer != nil && strings.HasPrefix(path, webhook.Path) && !strings.HasSuffix(path, string(injector.Forbid)) &&
					(answer.Allowed != (c.refused == 0) || c.refused != 0 && answer.Result.Code != c.refused) {
					t.Errorf("%s: allowed %v: %v", path, answer.Allowed, answer.Result)
				}
				if answer != nil && answer.Result != nil && len(answer.Result.Message) > 6<<20 {
					t.Errorf("%s: a message of %d bytes", path, len(answer.Result.Message))
				}
			}
			code, answer := asked(t, client, http.MethodPost, url+webhook.Path, kind, strings.NewReader(pods(goodPod)))
			if code != http.StatusOK || !answer.Allowed || len(answer.Patch) == 0 || answer.UID != types.UID("0f3c") {
				t.Errorf("after that, a good pod gets %d: %v", code, answer)
			}
		})
	}
	if code, _ := asked(t, client, http.MethodPost, url+"/elsewhere", kind, strings.NewReader(pods(goodPod))); code != http.StatusNotFound {
		t.Errorf("another path answers %d", code)
	}
}

// wrongPod has unknown annotations of ours.
func wrongPod(n int) string {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	for i := range n {
		pod.Annotations["leaseholder.dev/x"+strconv.Itoa(i)] = "x"
	}
	raw, _ := json.Marshal(pod)
	return string(raw)
}

// TestManyConnectionsOfOneAddress leaves room for the others.
func TestManyConnectionsOfOneAddress(t *testing.T) {
	client, url := startServer(t, nil)
	host := strings.TrimPrefix(url, "https://")
	good := question(t, "pods", goodPod)
	var open []net.Conn
	for range 2000 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	other, _ := client.Transport.(*http.Transport)
	other = other.Clone()
	other.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext
	defer other.CloseIdleConnections()
	code, answer := asked(t, &http.Client{Transport: other}, http.MethodPost, url+webhook.Path, "application/json", strings.NewReader(good))
	if code != http.StatusOK || !answer.Allowed {
		t.Errorf("another address gets %d: %v", code, answer)
	}
	for _, c := range open {
		_ = c.Close()
	}
	webhooktest.Eventually(t, "the same address is answered again", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+webhook.Path, bytes.NewReader([]byte(good)))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
}
