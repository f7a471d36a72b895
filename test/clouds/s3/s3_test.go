package s3

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
)

// period makes tests short: a tenth of the shortest that users can choose.
const period = 100 * time.Millisecond

var server *Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		// Not where temporary files are, which can be a file system without attributes.
		const programs = "../../../bin/clouds"
		if err := os.MkdirAll(programs, 0o755); err != nil {
			log.Print(err)
			return 1
		}
		folder, err := os.MkdirTemp(programs, "s3-")
		if err != nil {
			log.Print(err)
			return 1
		}
		defer func() { _ = os.RemoveAll(folder) }()
		if server, err = Start(context.Background(), folder); err != nil {
			log.Print(err)
			return 1
		}
		defer server.Stop()
		return m.Run()
	}())
}

func TestAnotherAtThePortIsNotTheServer(t *testing.T) {
	other, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	s := &Server{ended: make(chan struct{})}
	s.said.WriteString("the address is in use")
	close(s.ended)
	if err := s.await(t.Context(), other.Addr().String()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the error is %v", err)
	}
}

// key makes an object's key of a test's name.
func key(t *testing.T) string {
	t.Helper()
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == ',' {
			return '-'
		}
		return r
	}, t.Name())
}

// options are those of a lock on the test's object, through a server at url.
func options(t *testing.T, bucket, url string) s3.Options {
	t.Helper()
	folder := t.TempDir()
	for name, value := range map[string]string{
		s3.Endpoint: url, s3.AccessKeyID: AccessKeyID, s3.SecretAccessKey: SecretAccessKey,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = remove(context.WithoutCancel(t.Context()), t) }) // the test may run again
	return s3.Options{
		Address:     config.LockAddress{Scheme: config.LockS3, Bucket: bucket, Object: key(t)},
		Credentials: folder,
		Period:      period,
	}
}

// by gives one process's lock on the test's object.
func by(t *testing.T, url string) lock.Lock {
	t.Helper()
	l, err := s3.New(t.Context(), options(t, Bucket, url))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hand is what an administrator does to the bucket.
func hand() *api.Client {
	return api.New(api.Options{
		BaseEndpoint: &server.URL, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(AccessKeyID, SecretAccessKey, ""),
	})
}

func remove(ctx context.Context, t *testing.T) error {
	t.Helper()
	_, err := hand().DeleteObject(ctx, &api.DeleteObjectInput{Bucket: aws.String(Bucket), Key: aws.String(key(t))})
	if err != nil {
		return fmt.Errorf("delete the object: %w", err)
	}
	return nil
}

func TestConformance(t *testing.T) {
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		return locktest.Backend{
			Lock:   by(t, server.URL),
			Delete: func(ctx context.Context) error { return remove(ctx, t) },
		}
	})
}

func TestStore(t *testing.T) {
	objecttest.Run(t, func(t *testing.T) objecttest.Backend {
		t.Helper()
		s, err := s3.NewStore(t.Context(), options(t, Bucket, server.URL))
		if err != nil {
			t.Fatal(err)
		}
		return objecttest.Backend{
			Store:  s,
			Delete: func(ctx context.Context) error { return remove(ctx, t) },
		}
	})
}
