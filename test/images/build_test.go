package images_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

// What the images of this test say that they are, and when.
const (
	version = "1.2.3-test"
	epoch   = 1700000000
)

// place is where a build runs.
type place struct {
	// dir is the copy of the checkout.
	dir string
	// umask and zone are the process's, clock is when the copy's files say that they
	// were changed.
	umask, zone string
	clock       time.Time
}

// workplace is the folder of all builds.
var workplace string

// TestMain removes what was built, and what was begun.
func TestMain(m *testing.M) {
	var err error
	if workplace, err = os.MkdirTemp("", "leaseholder-images-"); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := os.RemoveAll(workplace); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// builds are the same sources built in two places, as a user would with make, when the
// first test asks for them. They share Go's cache, which keeps what was compiled by all
// that goes into it: what the first has compiled, the second may only link.
var builds = sync.OnceValues(func() ([]build, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	var all []build
	for _, p := range []place{
		{dir: filepath.Join(workplace, "one"), umask: "022", zone: "UTC", clock: time.Now()},
		{dir: filepath.Join(workplace, "another", "place"), umask: "077", zone: "Asia/Kolkata", clock: time.Now().AddDate(-1, 0, 0)},
	} {
		b, err := p.build(context.Background(), root)
		if err != nil {
			return nil, fmt.Errorf("build the images in %q: %w", p.dir, err)
		}
		all = append(all, b)
	}
	return all, nil
})

// built is both builds.
func built(t *testing.T) []build {
	t.Helper()
	all, err := builds()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// build is the images that one place made, by name.
type build struct {
	place  place
	images map[string]image
}

func (p place) build(ctx context.Context, root string) (build, error) {
	if err := p.copySources(ctx, root); err != nil {
		return build{}, err
	}
	env, err := p.storage()
	if err != nil {
		return build{}, err
	}
	env = append(env, "TZ="+p.zone, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	_, err = run(ctx, p.dir, env, "sh", "-c", `umask "$1" && shift && exec "$@"`, "sh", p.umask,
		"make", "images", "DOCKER=buildah", "VERSION="+version)
	if err != nil {
		return build{}, err
	}
	b := build{place: p, images: map[string]image{}}
	for _, name := range images.Names() {
		layout := filepath.Join(p.dir, "bin", "layout-"+name)
		if _, err := run(ctx, p.dir, env, "buildah", "push", "leaseholder-"+name+":"+version, "oci:"+layout+":"+version); err != nil {
			return build{}, err
		}
		if b.images[name], err = readLayout(layout); err != nil {
			return build{}, err
		}
	}
	return b, nil
}

// copySources copies what git knows of a checkout, or would. Links are not followed:
// the sources have none, and one of the developer's could make both places one.
func (p place) copySources(ctx context.Context, root string) error {
	list, err := run(ctx, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if err := p.copyFile(filepath.Join(root, name), filepath.Join(p.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (p place) copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil // removed, and not yet from git's index
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() == fs.ModeSymlink {
		return nil
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, content, info.Mode()&fs.ModePerm); err != nil {
		return err
	}
	return os.Chtimes(to, p.clock, p.clock)
}

// storage gives buildah a place of its own, which needs no mounts.
func (p place) storage() (env []string, err error) {
	file := filepath.Join(p.dir, "bin", "storage.conf")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	content := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n",
		filepath.Join(p.dir, "bin", "storage"), filepath.Join(p.dir, "bin", "storage-run"))
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return nil, err
	}
	return []string{"CONTAINERS_STORAGE_CONF=" + file, "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot"}, nil
}

// run runs a program and gives what it prints.
func run(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	// What the make that runs this test was given is not meant for the one that it runs.
	c.Env = append(os.Environ(), "MAKEFLAGS=", "MFLAGS=", "MAKEOVERRIDES=", "GOTOOLCHAIN=", "ARCHITECTURES="+runtime.GOARCH)
	c.Env = append(c.Env, env...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("run %q: %w\n%s%s", c.String(), err, out.String(), said.String())
	}
	return out.String(), nil
}
