package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
	"github.com/leaseholder-dev/leaseholder/test/clouds/faults"
)

const holder = "a_1_x"

// made makes the lock and reads it.
func made(t *testing.T, l lock.Lock) lock.Snapshot {
	t.Helper()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return read(t, l)
}

func read(t *testing.T, l lock.Lock) lock.Snapshot {
	t.Helper()
	s, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// held is a record of holder's.
func held() lock.Record {
	return lock.Record{Holder: holder, Stamp: holder, Duration: 15 * time.Second, Token: 1}
}

// TestAWriteInTrouble does something to one PutObject.
func TestAWriteInTrouble(t *testing.T) {
	tests := map[string]struct {
		fate faults.Fate
		won  bool
	}{
		"its answer is lost":                {faults.Fate{Lost: true}, true},
		"it comes through twice":            {faults.Fate{Twice: true}, true},
		"twice, and both answers are lost":  {faults.Fate{Twice: true, Lost: true}, true},
		"it never arrives":                  {faults.Fate{Refused: true}, false},
		"the store is too busy":             {faults.Fate{Status: http.StatusServiceUnavailable, RetryAfter: time.Minute}, false},
		"the store is asked too often":      {faults.Fate{Status: http.StatusTooManyRequests, RetryAfter: time.Minute}, false},
		"a gateway gives up":                {faults.Fate{Status: http.StatusGatewayTimeout}, false},
		"the server breaks without a cause": {faults.Fate{Status: http.StatusInternalServerError}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := faults.New(t, server.URL)
			mine, others := by(t, p.URL), by(t, server.URL)
			base := made(t, mine)
			p.Trouble(func(r *http.Request) faults.Fate {
				if r.Method == http.MethodPut {
					return test.fate
				}
				return faults.Fate{}
			})
			puts := p.Asked(http.MethodPut)
			written, err := mine.Write(t.Context(), base, held())
			if n := p.Asked(http.MethodPut) - puts; n != 1 {
				t.Errorf("it was sent %d times", n)
			}
			for _, kind := range []error{lock.ErrConflict, lock.ErrMissing, lock.ErrForbidden} {
				if errors.Is(err, kind) {
					t.Errorf("the error says what nobody knows: %v", err)
				}
			}
			seen := read(t, others)
			if (err == nil) != test.won || (seen.Record.Holder == holder) != test.won {
				t.Errorf("the error is %v, and others read %+v", err, seen.Record)
			}
			if test.won && (written.Revision != seen.Revision || written.Version.Compare(base.Version) <= 0) {
				t.Errorf("it wrote %+v, and others read %+v", written, seen)
			}
			p.Calm()
			if base = read(t, mine); base.Revision != seen.Revision {
				t.Errorf("it reads %+v, and others %+v", base, seen)
			}
			if _, err := mine.Write(t.Context(), base, held()); err != nil {
				t.Errorf("when all is well again: %v", err)
			}
		})
	}
}

func TestALostRaceIsAConflictForEveryProcess(t *testing.T) {
	const processes = 16
	made(t, by(t, server.URL))
	results := make(chan error, processes)
	start := make(chan struct{})
	for range processes {
		l := by(t, server.URL)
		base := read(t, l)
		go func() {
			<-start
			_, err := l.Write(context.WithoutCancel(t.Context()), base, held())
			results <- err
		}()
	}
	close(start)
	won := 0
	for range processes {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, lock.ErrConflict):
			t.Errorf("a lost race gives %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d processes won", won, processes)
	}
}

func TestDeadConnectionsCostOneAttempt(t *testing.T) {
	p := faults.New(t, server.URL)
	l := by(t, p.URL)
	base := made(t, l)
	p.Kill()
	attempt, cancel := context.WithTimeout(t.Context(), period)
	defer cancel()
	if _, err := l.Write(attempt, base, held()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a dead connection gives %v", err)
	}
	if _, err := l.Write(t.Context(), base, held()); err != nil {
		t.Errorf("the next attempt gives %v", err)
	}
}

func TestAStandbyReadsMetadataAlone(t *testing.T) {
	leader := by(t, server.URL)
	base := made(t, leader)
	p := faults.New(t, server.URL)
	l := by(t, p.URL)
	seen := make(chan lock.Snapshot)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	from := read(t, l).From
	go func() {
		_ = l.Watch(ctx, from, func(s lock.Snapshot) { // it ends with ctx
			select {
			case seen <- s:
			case <-ctx.Done():
			}
		})
	}()
	for range 3 {
		written, err := leader.Write(t.Context(), base, held())
		if err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-seen:
			if s.Revision != written.Revision {
				t.Errorf("it sees %+v", s)
			}
		case <-time.After(time.Minute):
			t.Fatal("it sees nothing")
		}
		base = written
	}
	if all, heads := p.Asked(), p.Asked(http.MethodHead); all != heads {
		t.Errorf("of %d requests %d read metadata: %v", all, heads, p.Requests())
	}
}

func TestAnObjectThatIsNoLockIsLeftAlone(t *testing.T) {
	const text = "the order book of 2019"
	_, err := hand().PutObject(t.Context(), &api.PutObjectInput{
		Bucket: aws.String(Bucket), Key: aws.String(key(t)), Body: strings.NewReader(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	l := by(t, server.URL)
	if s, err := l.Read(t.Context()); !errors.Is(err, object.ErrForeign) {
		t.Errorf("it reads as %+v, %v", s, err)
	}
	if err := l.Create(t.Context()); !errors.Is(err, lock.ErrExists) {
		t.Errorf("making it gives %v", err)
	}
	got, err := hand().GetObject(t.Context(), &api.GetObjectInput{Bucket: aws.String(Bucket), Key: aws.String(key(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if body, err := io.ReadAll(got.Body); err != nil || string(body) != text {
		t.Errorf("it now is %q, %v", body, err)
	}
}

func TestABucketThatIsMissingIsNamed(t *testing.T) {
	l, err := s3.New(t.Context(), options(t, "no-such-bucket", server.URL))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context()); err == nil || errors.Is(err, lock.ErrConflict) || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("making the lock gives %v", err)
	}
}
