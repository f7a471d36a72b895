package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/leaseholder-dev/leaseholder/sidecar/bounded"
)

const (
	// MaxBody is how large a request may be, in bytes. The API server takes objects
	// of 3 MB from its users, keeps none of more than 1.5 MB, and sends two at most.
	MaxBody = 7 << 20

	// maxReading is the memory for requests that are being sent, in bytes.
	maxReading = 32 << 20
	// overhead is what a request takes beside its body, in bytes.
	overhead = 16 << 10
	// chunk is by how much the memory for a body grows at first.
	chunk = 16 << 10

	// maxDeciding is the memory for requests that are decoded, in bytes, as it is
	// estimated, and maxDecidingEach what those of one address get of it. All API servers
	// may have one address. A pod of a few containers weighs some 0.1 MB and is decided on in
	// milliseconds, so that hundreds at once wait for moments: no client of the API server
	// makes more than some dozens in a second.
	maxDeciding, maxDecidingEach = 96 << 20, maxDeciding / 2
	// maxWeight is what one request may take of it. Of a pod's 1.5 MB, the
	// largest that is kept, the text is 6 MB; 800 variables and who manages them are 8, and
	// there are pods of 3000.
	maxWeight = maxDecidingEach
	// waiting is how long a request waits for that memory at most: half as long as the
	// API server waits for the answer, which it says. It is for who does not say it.
	waiting = 2 * time.Second
	// seldom is how often it is logged that there is no room.
	seldom = 10 * time.Second
)

// Requests lets POST requests of JSON through, read as a whole, as long as there is
// room for them.
func Requests(next http.Handler) http.Handler {
	return &requests{
		next:     next,
		reading:  bounded.NewBudget(maxReading, maxReading/2),
		deciding: newShares(maxDeciding, maxDecidingEach),
		seldom:   rate.Sometimes{Interval: seldom},
	}
}

type requests struct {
	next     http.Handler
	reading  *bounded.Budget
	deciding *shares
	seldom   rate.Sometimes
}

// fault is why a request is not let through.
type fault struct {
	code int
	text string
}

var (
	errNoRoom  = &fault{http.StatusServiceUnavailable, "too many requests at once; try again"}
	errTooBig  = &fault{http.StatusRequestEntityTooLarge, fmt.Sprintf("a request may have %d bytes", MaxBody)}
	errTooRich = &fault{http.StatusRequestEntityTooLarge, fmt.Sprintf(
		"the request is too large, or has too many values: it would take more than %d bytes of memory", maxWeight)}
)

func (f *fault) Error() string { return f.text }

// ServeHTTP implements http.Handler.
func (q *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := q.serve(w, r); err != nil {
		f := &fault{http.StatusBadRequest, "the request could not be read"}
		_ = errors.As(err, &f) // otherwise the caller has gone, or was too slow
		if f.code != http.StatusBadRequest {
			q.seldom.Do(func() {
				slog.Warn("turned a request away", "from", r.RemoteAddr, "path", logged(r.URL.Path), "error", f)
			})
		}
		http.Error(w, f.text, f.code)
	}
}

// logged is a path as far as it can be one of the webhook's.
func logged(path string) string {
	const longest = 100
	return path[:min(len(path), longest)]
}

// serve asks the next handler, or says why not.
func (q *requests) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &fault{http.StatusMethodNotAllowed, fmt.Sprintf("method %.20q, allowed: %s", r.Method, http.MethodPost)}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &fault{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type %.100q, allowed: application/json", r.Header.Get("Content-Type"))}
	}
	if r.ContentLength > MaxBody {
		return errTooBig
	}
	from, held := bounded.Host(r.RemoteAddr), int64(0)
	defer func() { q.reading.GiveBack(from, held) }()
	body, err := read(r.Body, func(n int64) bool {
		ok := q.reading.Take(from, n)
		if ok {
			held += n
		}
		return ok
	})
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return &fault{http.StatusBadRequest, "the request is empty"}
	}
	if !utf8.Valid(body) {
		return &fault{http.StatusBadRequest, "the request is not UTF-8"} // decoded, each wrong byte would become three
	}
	weight := weigh(body, maxWeight)
	if weight > maxWeight {
		return errTooRich
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience(r))
	defer cancel()
	release, err := q.deciding.acquire(ctx, from, weight)
	if err != nil {
		return errNoRoom
	}
	defer release()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	q.next.ServeHTTP(w, r)
	return nil
}

// patience is how long a request waits for room: half of what the caller says that it waits,
// as API servers do, so that the decision has the other half.
func patience(r *http.Request) time.Duration {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return waiting
	}
	return min(waiting, timeout/2)
}

// read reads a body. It grows with what has come, whatever was announced, and
// asks for the room first.
func read(r io.Reader, take func(n int64) bool) ([]byte, error) {
	if !take(overhead) {
		return nil, errNoRoom
	}
	var body []byte
	for {
		if len(body) == cap(body) {
			more := max(chunk, cap(body))
			if !take(int64(more)) {
				return nil, errNoRoom
			}
			grown := make([]byte, len(body), cap(body)+more)
			copy(grown, body)
			body = grown
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > MaxBody:
			return nil, errTooBig
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("read the request: %w", err)
		}
	}
}
