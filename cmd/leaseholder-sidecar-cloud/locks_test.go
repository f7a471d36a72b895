package main

import (
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// Whatever an address can name, the program opens.
func TestEveryLockIsKnown(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1") // S3 alone asks for more than an address
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	known := locks()
	for _, scheme := range config.LockSchemes() {
		address := strings.ToLower(scheme.Form())
		s := config.Default()
		s.Election, s.Namespace, s.PodName, s.PodUID = "orders", "shop", "orders-0", "u-1"
		var ok bool
		if s.Lock, ok = config.ParseLock(address); !ok || s.Lock.Scheme != scheme {
			t.Fatalf("%s is no address", address)
		}
		open := known[s.Lock.Scheme]
		if open == nil {
			t.Errorf("%s is not known", address)
			continue
		}
		s.LockCredentials = t.TempDir()
		if l, err := open(t.Context(), &rest.Config{Host: "http://127.0.0.1:1"}, s); err != nil || l == nil {
			t.Errorf("%s is not opened: %v", address, err)
		}
	}
	if len(known) != len(config.LockSchemes()) {
		t.Errorf("%d locks are known", len(known))
	}
}
