package azblob_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/azblob"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

// Kinds of requests.
const (
	acquire = "acquire"
	release = "release"
	write   = "metadata"
	ask     = http.MethodHead
	create  = http.MethodPut
)

// kind is what a request asks for.
func kind(r *http.Request) string {
	switch r.URL.Query().Get("comp") {
	case "lease":
		return r.Header.Get("X-Ms-Lease-Action")
	case write:
		return write
	}
	return r.Method
}

// first is a fate for the first request of a kind alone.
func first(which string, fate faults.Fate) func(*http.Request) faults.Fate {
	return func(r *http.Request) faults.Fate {
		if kind(r) != which {
			return faults.Fate{}
		}
		which = ""
		return fate
	}
}

// record is a leader's, or with an empty holder a released one.
func record(holder string, at time.Time) lock.Record {
	r := lock.Record{Holder: holder, Stamp: holder, Duration: leaseDuration, Renewed: at, Token: 7}
	if holder == "" {
		r.Duration, r.Mark = time.Second, lock.ReleaseMark("a_1_x", at)
	}
	return r
}

// read reads, and ends the test if that fails.
func (c client) read(t *testing.T) lock.Snapshot {
	t.Helper()
	s, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// made makes the lock.
func (c client) made(t *testing.T) lock.Snapshot {
	t.Helper()
	if err := c.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c.read(t)
}

func TestOneRequestOfAWriteFails(t *testing.T) {
	t.Parallel()
	lost, twice := faults.Fate{Lost: true}, faults.Fate{Twice: true}
	late := faults.Fate{After: time.Hour}
	busy := faults.Fate{Status: http.StatusServiceUnavailable}
	throttled := faults.Fate{Status: http.StatusTooManyRequests, RetryAfter: time.Hour}
	tests := map[string]struct {
		kind    string
		fate    faults.Fate
		written bool // at the first attempt
	}{
		"the answer to the acquisition is lost":                 {acquire, lost, false},
		"the answer to the write is lost":                       {write, lost, true},
		"the answer to the release of the lease is lost":        {release, lost, true},
		"the answer to the acquisition comes too late":          {acquire, late, false},
		"the answer to the write comes too late":                {write, late, false},
		"the answer to the release of the lease comes too late": {release, late, true},
		"the acquisition comes through twice":                   {acquire, twice, true},
		"the write comes through twice":                         {write, twice, true},
		"the release of the lease comes through twice":          {release, twice, true},
		"the acquisition is refused by a busy service":          {acquire, busy, false},
		"the write is refused by a busy service":                {write, busy, false},
		"the release of the lease is refused by a busy one":     {release, busy, true},
		"the acquisition is one too many":                       {acquire, throttled, false},
		"the write is one too many":                             {write, throttled, false},
		"the release of the lease is one too many":              {release, throttled, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			c := p.client("a")
			base := c.made(t)
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			holder := "a_1_x"
			if test.kind == release {
				// A release is the second write.
				var err error
				if base, err = c.Write(t.Context(), base, record(holder, at)); err != nil {
					t.Fatal(err)
				}
				holder = ""
			}
			c.proxy.Trouble(first(test.kind, test.fate))
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if test.fate == late && !test.written {
				ctx, cancel = context.WithTimeout(ctx, time.Second)
			}
			defer cancel()
			_, err := c.Write(ctx, base, record(holder, at.Add(time.Second)))
			c.proxy.Calm() // the fault may not have come to pass, where the service is slow
			if (err == nil) != test.written {
				t.Fatalf("the first attempt gives %v", err)
			}
			if err != nil {
				for _, kind := range []error{lock.ErrConflict, lock.ErrMissing, lock.ErrForbidden} {
					if errors.Is(err, kind) {
						t.Errorf("it is taken for %q: %v", kind, err)
					}
				}
				if _, err := c.Write(t.Context(), c.read(t), record(holder, at.Add(time.Second))); err != nil {
					t.Fatalf("the second attempt: %v", err)
				}
			}
			if got := c.read(t).Record.Holder; got != holder {
				t.Errorf("the holder is %q, want %q", got, holder)
			}
			want := lease.StateTypeLeased
			if holder == "" {
				want = lease.StateTypeAvailable
			}
			if got := p.state(t.Context()); got != want {
				t.Errorf("the lease is %s, want %s", got, want)
			}
		})
	}
}

func TestALeaseOfAnotherRefusesWrites(t *testing.T) {
	t.Parallel()
	p := open(t)
	a, b := p.client("a"), p.client("b")
	base := a.made(t)
	theirs := b.read(t)
	if _, err := a.Write(t.Context(), base, record("a_1_x", time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(t.Context(), theirs, record("b_2_y", time.Now())); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write on an old state gives %v", err)
	}
	if _, err := b.Write(t.Context(), b.read(t), record("b_2_y", time.Now())); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write under another's lease gives %v", err)
	}
	if _, err := p.blob.SetMetadata(t.Context(), nil, nil); err == nil {
		t.Error("who knows nothing of the lease writes into the blob")
	}
	// What the leader has not renewed, the service gives to others.
	if err := p.breakLease(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(t.Context(), b.read(t), record("b_2_y", time.Now())); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoLockOfOursIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("a blob without a record", func(t *testing.T) {
		p := open(t)
		if _, err := p.blob.UploadBuffer(t.Context(), []byte("a picture"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := p.client("a").Read(t.Context()); !errors.Is(err, object.ErrForeign) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("a container that is missing", func(t *testing.T) {
		p := open(t)
		p.address.Bucket = "another"
		if s, err := p.client("a").Read(t.Context()); err == nil || errors.Is(err, lock.ErrMissing) {
			t.Errorf("it reads as %+v, %v", s, err)
		}
	})
	t.Run("a wrong key", func(t *testing.T) {
		p := open(t)
		keys := map[string]string{azblob.AccountKey: "AAAA", azblob.Endpoint: server.Endpoint()}
		l, err := azblob.New(azblob.Options{Address: p.address, PodUID: "a", Credentials: folder(t, keys), LeaseDuration: leaseDuration})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Read(t.Context()); !errors.Is(err, lock.ErrForbidden) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestWritesKeepWhatElseTheBlobCarries(t *testing.T) {
	t.Parallel()
	p := open(t)
	c := p.client("a")
	base := c.made(t)
	metadata := p.metadata()
	team, kind := "orders", "text/markdown"
	metadata["team"] = &team
	if _, err := p.blob.SetMetadata(t.Context(), metadata, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.blob.SetHTTPHeaders(t.Context(), blob.HTTPHeaders{BlobContentType: &kind}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(t.Context(), base, record("a_1_x", time.Now())); !errors.Is(err, lock.ErrConflict) {
		t.Errorf("a write on an old state gives %v", err)
	}
	// For c the lock was rewound: the same record, at another revision.
	b := p.client("b")
	base = b.read(t)
	if _, err := b.Write(t.Context(), base, record("b_1_x", time.Now())); err != nil {
		t.Fatal(err)
	}
	properties, err := p.blob.GetProperties(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := properties.Metadata["Team"]; got == nil || *got != team || *properties.ContentType != kind {
		t.Errorf("after a write the blob has %v and is %s", properties.Metadata, *properties.ContentType)
	}
}

func TestAnAccountKeyIsReadFromTheFolder(t *testing.T) {
	t.Parallel()
	p := open(t)
	keys := map[string]string{azblob.AccountKey: azurite.Key, azblob.Endpoint: server.Endpoint() + "/"}
	l, err := azblob.New(azblob.Options{Address: p.address, PodUID: "a", Credentials: folder(t, keys), LeaseDuration: leaseDuration})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context()); err != nil {
		t.Error(err)
	}
	if content, err := download(t.Context(), p.blob); err != nil || content == "" {
		t.Errorf("the blob says %q to people: %v", content, err)
	}
}

func download(ctx context.Context, b *blockblob.Client) (string, error) {
	const enough = 1000
	buffer := make([]byte, enough)
	n, err := b.DownloadBuffer(ctx, buffer, nil)
	return string(buffer[:n]), err
}
