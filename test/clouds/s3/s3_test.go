package s3

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
)

// period makes tests short: a tenth of the shortest that users can choose.
const period = 100 * time.Millisecond

var server *Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "s3")
		if err != nil {
			log.Fatal(err)
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

// by gives one process's lock on the test's object, through a server at url.
func by(t *testing.T, url string) lock.Lock {
	t.Helper()
	return in(t, Bucket, url)
}

// in is by for another bucket.
func in(t *testing.T, bucket, url string) lock.Lock {
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
	l, err := s3.New(t.Context(), s3.Options{Bucket: bucket, Key: key(t), Credentials: folder, Period: period})
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
