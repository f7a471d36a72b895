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

	"golang.org/x/sync/semaphore"
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
	// estimated.
	maxDeciding = 64 << 20
	// copies is how often the text of a request is in memory: as it came, the object
	// in it, the strings of the decoded one, and the answer.
	copies = 4
	// perValue is what a value of a JSON document takes, decoded, in bytes: that
	// of a container, the largest thing that a pod has lists of, in a list that grows.
	perValue = 2 << 10
	// waiting is how long a request waits for that memory: less than the API server
	// waits for the answer.
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
		deciding: semaphore.NewWeighted(maxDeciding),
		seldom:   rate.Sometimes{Interval: seldom},
	}
}

type requests struct {
	next     http.Handler
	reading  *bounded.Budget
	deciding *semaphore.Weighted
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
		"the request has too many values: %d times its bytes and %d bytes for each value may be %d together", copies, perValue, maxDeciding)}
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
	weight := copies*int64(len(body)) + perValue*values(body)
	if weight > maxDeciding {
		return errTooRich
	}
	ctx, cancel := context.WithTimeout(r.Context(), waiting)
	defer cancel()
	if err := q.deciding.Acquire(ctx, weight); err != nil {
		return errNoRoom
	}
	defer q.deciding.Release(weight)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	q.next.ServeHTTP(w, r)
	return nil
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

// values is how many values a JSON document can have at most: one, and one more
// for each comma and each bracket outside of its strings. What is no JSON gets a number
// too, and is refused by who decodes it.
func values(document []byte) int64 {
	n, quoted, escaped := int64(1), false, false
	for _, c := range document {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '{' || c == '['):
			n++
		}
	}
	return n
}
