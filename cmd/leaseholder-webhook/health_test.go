package main

import (
	"io"
	"net"
	"net/http/httptest"
	"testing"
)

func TestNoConnectionOfAProbeIsKept(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = newHTTPServer(new(health).handler())
	server.Start()
	defer server.Close()
	for name, question := range map[string]string{"who asks": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "who says nothing": ""} {
		t.Run(name, func(t *testing.T) {
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, question); err != nil {
				t.Fatal(err)
			}
			// It is closed by the server, or this test has no end.
			answer, err := io.ReadAll(c)
			if err != nil || question != "" && len(answer) == 0 {
				t.Errorf("%q: %v", answer, err)
			}
		})
	}
	if server.Config.ReadTimeout != asking || server.Config.WriteTimeout < asking+httpTimeout {
		t.Errorf("a question may take %s, and %s with the answer", server.Config.ReadTimeout, server.Config.WriteTimeout)
	}
}
