package guard

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are in memory, for virtual time.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.waiting <- there
	return here
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

// Addr implements net.Listener.
func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serve serves in memory, until the test's bubble ends.
func serve(t *testing.T) *pipes {
	t.Helper()
	own := httptest.NewUnstartedServer(nil)
	own.StartTLS()
	own.Close()
	server := NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLSConfig = &tls.Config{Certificates: own.TLS.Certificates, MinVersion: tls.VersionTLS12}
	p := &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(p, "", "") }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return p
}

func TestNobodyIsWaitedForForEver(t *testing.T) {
	client := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // the other end is this test
	const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, send := range map[string]func(net.Conn, *sync.WaitGroup) io.Reader{
		"who says nothing": func(c net.Conn, _ *sync.WaitGroup) io.Reader { return c },
		"who ends in the header": func(c net.Conn, _ *sync.WaitGroup) io.Reader {
			over := tls.Client(c, client)
			_, _ = io.WriteString(over, head)
			return over
		},
		"who ends in the body": func(c net.Conn, _ *sync.WaitGroup) io.Reader {
			over := tls.Client(c, client)
			_, _ = io.WriteString(over, head+"Content-Length: 10\r\n\r\n{")
			return over
		},
		"who sends a body of no length, drop by drop": func(c net.Conn, dropping *sync.WaitGroup) io.Reader {
			over := tls.Client(c, client)
			_, _ = io.WriteString(over, head+"Transfer-Encoding: chunked\r\n\r\n")
			dropping.Go(func() {
				for {
					if _, err := io.WriteString(over, "1\r\n \r\n"); err != nil {
						return
					}
					time.Sleep(sending / 20)
				}
			})
			return over
		},
		"who asks nothing more": func(c net.Conn, _ *sync.WaitGroup) io.Reader {
			over := tls.Client(c, client)
			_, _ = io.WriteString(over, head+"Content-Length: 2\r\n\r\n{}")
			return over
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serve(t).dial()
				var dropping sync.WaitGroup
				defer dropping.Wait()
				defer func() { _ = c.Close() }()
				// It ends by itself, or the bubble's clock runs on for ever: this test has
				// no other end.
				begin := time.Now()
				_, _ = io.Copy(io.Discard, send(c, &dropping))
				if took := time.Since(begin); name == "who says nothing" && took != shaking {
					t.Errorf("it ends after %s", took)
				}
			})
		})
	}
	t.Run("who ends in the body over HTTP/2", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := serve(t)
			transport := &http.Transport{
				TLSClientConfig: client, ForceAttemptHTTP2: true,
				DialContext: func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil },
			}
			defer transport.CloseIdleConnections()
			body, more := io.Pipe()
			defer func() { _ = more.Close() }()
			go func() { _, _ = more.Write(bytes.Repeat([]byte(" "), 100)) }()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x/", body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			answer, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s", answer.Proto, answer.Status)
			}
		})
	})
}
