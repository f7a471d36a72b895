package s3_test

import (
	"context"
	"encoding/pem"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
)

var orders = config.LockAddress{Scheme: config.LockS3, Bucket: "locks", Object: "eu/orders"}

// alone keeps what this machine has of AWS out of a test.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// folder makes a Secret's folder.
func folder(t *testing.T, keys map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range keys {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// against gives the lock on an object of a server that answers by handler.
func against(t *testing.T, handler http.HandlerFunc) lock.Lock {
	t.Helper()
	alone(t)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	l, err := s3.New(t.Context(), s3.Options{Address: orders, Credentials: folder(t, map[string]string{
		s3.Endpoint: server.URL, s3.AccessKeyID: "id", s3.SecretAccessKey: "key\n",
	})})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fault answers as S3 does.
func fault(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>no</Message></Error>"))
}

func TestAFailedRequestIsSentOnceAndSaysWhatFailed(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   string
		want   error // nil: one that says nothing
	}{
		"there is one":              {http.StatusPreconditionFailed, "PreconditionFailed", lock.ErrExists},
		"another is writing":        {http.StatusConflict, "ConditionalRequestConflict", lock.ErrExists},
		"no right":                  {http.StatusForbidden, "AccessDenied", lock.ErrForbidden},
		"no credentials":            {http.StatusUnauthorized, "Unauthorized", lock.ErrForbidden},
		"no bucket":                 {http.StatusNotFound, "NoSuchBucket", nil},
		"the bucket is being made":  {http.StatusConflict, "OperationAborted", nil},
		"throttled":                 {http.StatusTooManyRequests, "TooManyRequests", nil},
		"throttled, as Amazon does": {http.StatusServiceUnavailable, "SlowDown", nil},
		"broken":                    {http.StatusInternalServerError, "InternalError", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			l := against(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				fault(w, test.status, test.code)
			})
			err := l.Create(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.code) || !strings.Contains(err.Error(), "s3://locks/eu/orders") {
				t.Errorf("the error is %v", err)
			}
			for _, kind := range []error{lock.ErrExists, lock.ErrConflict, lock.ErrMissing, lock.ErrForbidden} {
				want := errors.Is(test.want, kind)
				if errors.Is(kind, lock.ErrConflict) {
					want = errors.Is(test.want, lock.ErrExists) // a conflict is why it exists
				}
				if is := errors.Is(err, kind); is != want {
					t.Errorf("the error is %q: %v, for %v", kind, is, err)
				}
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
		})
	}
}

func TestAReadWithoutTheRightIsNoMissingLock(t *testing.T) {
	l := against(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if s, err := l.Read(t.Context()); !errors.Is(err, lock.ErrForbidden) || !strings.Contains(err.Error(), "s3:ListBucket") {
		t.Errorf("it reads as %+v, %v", s, err)
	}
}

func TestAnotherRegionIsNamed(t *testing.T) {
	l := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	if _, err := l.Read(t.Context()); err == nil || !strings.Contains(err.Error(), `in region "eu-central-1"`) {
		t.Errorf("the error is %v", err)
	}
}

// TestAForeignObjectIsRefused also holds that a Read asks for no body.
func TestAForeignObjectIsRefused(t *testing.T) {
	l := against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			t.Errorf("a read sends %s", r.Method)
		}
		w.Header().Set("ETag", `"0"`)
	})
	if s, err := l.Read(t.Context()); !errors.Is(err, object.ErrForeign) {
		t.Errorf("it reads as %+v, %v", s, err)
	}
}

func TestWhatIsSent(t *testing.T) {
	const style = "AWS4-HMAC-SHA256 Credential=id/"
	l := against(t, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{"If-None-Match": "*", "Content-Type": "application/json", "Cache-Control": "no-store"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		if r.Method != http.MethodPut || r.URL.Path != "/locks/eu/orders" || !strings.HasPrefix(r.Header.Get("Authorization"), style) {
			t.Errorf("it sends %s %s, signed %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		if v := r.Header.Get("X-Amz-Meta-Leaseholder"); !strings.HasPrefix(v, `{"uid":"`) {
			t.Errorf("the metadata value is %q", v)
		}
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "checksum") {
				t.Errorf("it sends %s, which other stores may not know", name)
			}
		}
		w.Header().Set("ETag", `"1"`)
	})
	if err := l.Create(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTheLargestLockFits holds it against the 2 KB that Amazon gives to an object's
// metadata, names and values together.
func TestTheLargestLockFits(t *testing.T) {
	const most = 2 << 10
	pod := strings.Repeat("p", 253)
	identity := lock.Identity{Pod: pod, UID: strings.Repeat("u", 36), Start: strings.Repeat("s", 13)}.String()
	at := time.Now()
	held := lock.Record{
		Holder: identity, Stamp: identity, Duration: time.Hour, Acquired: at, Renewed: at,
		Transitions: math.MaxInt32, Token: math.MaxInt64 / 2, StepDown: identity, Preferred: pod,
	}
	released := held
	released.Holder, released.Stamp, released.Mark = "", "", lock.ReleaseMark(identity, at)
	for _, r := range []lock.Record{held, released} {
		id := strings.Repeat("W", 40)
		value := object.Entry{UID: id, Count: math.MaxInt64 / 2, WriteID: id, Record: r}.Value()
		if size := len(object.MetadataKey) + len(value); size > most {
			t.Errorf("it has %d bytes: %s", size, value)
		}
	}
}

// TestADeadConnectionCostsOneAttempt lets the first connection die: it answers nothing
// any more, and stays open.
func TestADeadConnectionCostsOneAttempt(t *testing.T) {
	var dead atomic.Value
	l := against(t, func(w http.ResponseWriter, r *http.Request) {
		dead.CompareAndSwap(nil, r.RemoteAddr)
		if r.Header.Get("X-Amz-Meta-Leaseholder") == "" && dead.Load() == r.RemoteAddr {
			<-r.Context().Done()
			return
		}
		w.Header().Set("ETag", `"1"`)
	})
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	attempt, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := l.Read(attempt); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the dead connection gives %v", err)
	}
	if _, err := l.Read(t.Context()); !errors.Is(err, object.ErrForeign) {
		t.Errorf("the next attempt gives %v", err)
	}
}

// TestHTTP2IsNotSpoken asks a server that would. Its certificate is trusted by what the
// SDK reads from the environment.
func TestHTTP2IsNotSpoken(t *testing.T) {
	alone(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("it speaks %s", r.Proto)
		}
		w.Header().Set("ETag", `"1"`)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(folder(t, map[string]string{"ca.pem": string(authority)}), "ca.pem"))
	l, err := s3.New(t.Context(), s3.Options{Address: orders, Credentials: folder(t, map[string]string{
		s3.Endpoint: server.URL, s3.AccessKeyID: "id", s3.SecretAccessKey: "key",
	})})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASecretThatIsWrongIsRefusedWhole(t *testing.T) {
	alone(t)
	_, err := s3.New(t.Context(), s3.Options{Address: orders, Credentials: folder(t, map[string]string{
		s3.Endpoint: "minio:9000", s3.PathStyle: "yes", s3.SecretAccessKey: "hush",
	})})
	if err == nil {
		t.Fatal("it is accepted")
	}
	for _, want := range []string{
		`endpoint is refused, allowed: a URL that begins with http:// or https://`,
		`path-style="yes", allowed: true or false`,
		"of access-key-id and secret-access-key one is missing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("it tells the secret: %v", err)
	}
}

func TestTheRegionIsAsked(t *testing.T) {
	alone(t)
	open := func(keys map[string]string) error {
		_, err := s3.New(t.Context(), s3.Options{Address: orders, Credentials: folder(t, keys)})
		return err
	}
	if err := open(nil); err == nil || !strings.Contains(err.Error(), "region is not set, allowed: ") {
		t.Errorf("without one: %v", err)
	}
	if err := open(map[string]string{s3.Region: "eu-central-1"}); err != nil {
		t.Errorf("with one: %v", err)
	}
	if err := open(map[string]string{s3.Endpoint: "https://minio.shop.svc:9000"}); err != nil {
		t.Errorf("with another server: %v", err)
	}
	t.Setenv("AWS_REGION", "eu-central-1")
	if err := open(nil); err != nil {
		t.Errorf("with a pod's: %v", err)
	}
}
