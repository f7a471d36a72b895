package guard

import (
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/leaseholder-dev/leaseholder/sidecar/bounded"
)

const (
	// maxConnections is how many there are at most. One that is kept open takes up
	// to 0.2 MB.
	maxConnections = 400
	// maxConnectionsEach is how many come from one address at most. An API server
	// has one, and some more when it has more than maxStreams questions at once.
	maxConnectionsEach = maxConnections / 4
	// shaking is how long a caller may take to shake hands, and to send a header over
	// HTTP/1: until then it is counted, whoever it is.
	shaking = 3 * time.Second
	// sending is how long a caller may take to send a request. The API server has it ready.
	sending = 10 * time.Second
	// answering is how long a request may take in all: longer than any API server
	// waits, which is 30 s at most.
	answering = 40 * time.Second
	// idle is how long a connection is kept that nobody uses, as long as clients
	// written in Go do.
	idle = 90 * time.Second
	// maxHeader is how large the header may be, in bytes. The API server's is below 1 kB.
	maxHeader = 16 << 10
	// maxStreams is how many requests one connection can carry at once.
	maxStreams = 100
	// maxUnread is how much of all requests of a connection is taken in before
	// anybody reads it, in bytes.
	maxUnread = 64 << 10
)

// Listen bounds the connections of a listener.
func Listen(l net.Listener) net.Listener {
	return bounded.Listen(l, maxConnections, maxConnectionsEach)
}

// NewServer gives a server that waits for nobody for ever, and asks the handler
// about what Requests lets through.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           Requests(handler),
		ReadHeaderTimeout: shaking,
		ReadTimeout:       sending,
		WriteTimeout:      answering,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(&complaints{rate.Sometimes{Interval: seldom}}, "", 0),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerConnection: maxUnread,
			MaxReceiveBufferPerStream:     maxUnread,
		},
	}
}

// complaints are what a server says of its callers, such as who does not trust its
// certificate. One in a while is logged: any caller can make it complain.
type complaints struct{ seldom rate.Sometimes }

// Write implements io.Writer.
func (c *complaints) Write(line []byte) (int, error) {
	c.seldom.Do(func() { slog.Warn("a caller of the webhook", "error", strings.TrimSpace(string(line))) })
	return len(line), nil
}
