// Command s3server is a real S3 server for tests: versitygw, a gateway that keeps
// buckets in a folder, with one bucket and one user. Its conditional writes are
// atomic from v1.8.0 on. It serves until it is told to stop.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Bounds that no test comes near.
const (
	maxConnections = 1024
	maxParts       = 16
	ownerOnly      = 0o700
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("s3server", flag.ContinueOnError)
	folder := flags.String("folder", "", "where the buckets are; its file system must keep user.* attributes")
	bucket := flags.String("bucket", "", "the bucket to make")
	listen := flags.String("listen", "", "the address to serve at")
	access := flags.String("access", "", "the user's access key ID")
	secret := flags.String("secret", "", "the user's secret access key")
	region := flags.String("region", "us-east-1", "the region that requests are signed for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// A folder is a bucket, of the user that the server knows.
	if err := os.MkdirAll(filepath.Join(*folder, *bucket), ownerOnly); err != nil {
		return err
	}
	// What is told of an object is kept in its file's attributes: the file is put in place
	// with all of them at once.
	backend, err := posix.New(*folder, meta.XattrMeta{}, posix.PosixOpts{})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    *access,
		RootUserSecret:    *secret,
		Region:            *region,
		Ports:             []string{*listen},
		MaxConnections:    maxConnections,
		MaxRequests:       maxConnections,
		MultipartMaxParts: maxParts,
		KeepAlive:         true,
		Quiet:             true,
	})
}
