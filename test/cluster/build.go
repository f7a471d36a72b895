package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
	"golang.org/x/sys/unix"
)

// binaries are the directories that hold the programs of a cluster.
type binaries struct {
	Kubernetes string `json:"kubernetes"`
	Containerd string `json:"containerd"`
	Pause      string `json:"pause"`
}

// recipe says how one folder of build/ becomes programs.
type recipe struct {
	// name is the folder below build/.
	name string
	// module is the requirement in the folder's go.mod whose version is the
	// version of the programs; empty if they have none.
	module string
	// packages is what to compile; more than one program needs output to be a
	// directory.
	packages, output string
	tags             string
	// stamp are the variables, by package, that tell a program its version.
	stamp func(version string) map[string]string
	// links are further names of output.
	links []string
}

var recipes = []recipe{
	{
		name: "kubernetes", module: "k8s.io/kubernetes", packages: ".", output: "kubernetes",
		stamp: func(version string) map[string]string {
			major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(version), "v"), ".")
			stamps := map[string]string{}
			// Without these the programs take themselves for v0.0.0 and refuse
			// each other.
			for _, prefix := range []string{"k8s.io/component-base/version.", "k8s.io/client-go/pkg/version."} {
				stamps[prefix+"gitVersion"] = version
				stamps[prefix+"gitMajor"] = major
				stamps[prefix+"gitMinor"] = minor
			}
			return stamps
		},
		links: []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"},
	},
	{
		name: "containerd", module: "github.com/containerd/containerd/v2", packages: "tool",
		// These snapshotters are not used and would want more of the machine.
		tags: "no_btrfs,no_devmapper,no_zfs",
		stamp: func(version string) map[string]string {
			return map[string]string{"github.com/containerd/containerd/v2/version.Version": version}
		},
	},
	{name: "pause", packages: ".", output: "pause"},
}

// build compiles every program that is not in the cache yet.
func build(ctx context.Context, out io.Writer) (binaries, error) {
	var built [3]string
	for i, recipe := range recipes {
		dir, err := recipe.build(ctx, out)
		if err != nil {
			return binaries{}, err
		}
		built[i] = dir
	}
	return binaries{Kubernetes: built[0], Containerd: built[1], Pause: built[2]}, nil
}

// build returns the directory of the finished programs. It is in the user's
// cache and named by everything that goes into them; it appears as a whole or
// not at all, whatever interrupts the compiler.
func (r recipe) build(ctx context.Context, out io.Writer) (string, error) {
	source, err := sourceDir(ctx)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(source, "build", r.name)
	version, err := r.version(folder)
	if err != nil {
		return "", err
	}
	key, err := r.key(ctx, folder)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache for the programs: %w", err)
	}
	cache = filepath.Join(cache, "leaseholder")
	title := strings.Trim(r.name+"-"+version, "-")
	final := filepath.Join(cache, title+"-"+key)
	if exists(final) {
		return final, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("create the cache for the programs: %w", err)
	}
	// The packages' tests run at the same time and would all compile.
	unlock, err := lock(ctx, final+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(final) {
		return final, nil
	}
	what := "compile " + strings.Trim(r.name+" "+version, " ")
	err = step(ctx, out, what, func(ctx context.Context) error { return r.compile(ctx, folder, final, version) })
	return final, err
}

func (r recipe) compile(ctx context.Context, folder, final, version string) error {
	// The lock is held, so what has this name is from a compiler that was killed.
	work := final + ".building"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("clear the directory to compile in: %w", err)
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return fmt.Errorf("create a directory to compile in: %w", err)
	}
	defer os.RemoveAll(work)

	flags := []string{"-s", "-w"}
	if r.stamp != nil {
		stamps := r.stamp(version)
		for _, variable := range slices.Sorted(maps.Keys(stamps)) {
			flags = append(flags, "-X", variable+"="+stamps[variable])
		}
	}
	output := filepath.Join(work, r.output)
	if r.output == "" {
		output += string(filepath.Separator)
	}
	command := exec.CommandContext(ctx, "go", "build", "-C", folder, "-trimpath", "-buildvcs=false",
		"-tags", r.tags, "-ldflags", strings.Join(flags, " "), "-o", output, r.packages)
	// The compiler ends its own children only when it is asked to.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 20 * time.Second
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if report, err := command.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("run %q: %w\n%s", command.String(), err, tail(report, 40))
	}
	for _, name := range r.links {
		if err := os.Symlink(r.output, filepath.Join(work, name)); err != nil {
			return fmt.Errorf("name a program: %w", err)
		}
	}
	if err := os.Rename(work, final); err != nil {
		return fmt.Errorf("put the programs into the cache: %w", err)
	}
	return nil
}

// version reads the one place where a version is set, the folder's go.mod.
func (r recipe) version(folder string) (string, error) {
	if r.module == "" {
		return "", nil
	}
	path := filepath.Join(folder, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the version of %q: %w", r.name, err)
	}
	parsed, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("read the version of %q: %w", r.name, err)
	}
	for _, required := range parsed.Require {
		if required.Mod.Path == r.module {
			return required.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("read the version of %q: %q does not require %q", r.name, path, r.module)
}

// key is a hash of what decides the programs' content.
func (r recipe) key(ctx context.Context, folder string) (string, error) {
	command := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	command.Dir = folder
	tool, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("find the Go tool that compiles %q: %w", r.name, err)
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n%s\n", tool, r.tags, r.links)
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read the sources of %q: %w", r.name, err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// sourceDir is this package's folder. The programs are nested modules, which
// cannot be embedded, so the folder itself has to be there.
func sourceDir(ctx context.Context) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) && exists(filepath.Join(filepath.Dir(file), "build")) {
		return filepath.Dir(file), nil
	}
	// Compiled with -trimpath: ask the Go tool about the module at hand.
	const path = "github.com/leaseholder-dev/leaseholder/test/cluster"
	found, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		return "", fmt.Errorf("find the sources of %q from the working directory: %w", path, err)
	}
	return strings.TrimSpace(string(found)), nil
}

// lock takes a file's lock, which ends with the process at the latest.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open a lock: %w", err)
	}
	err = poll(ctx, 200*time.Millisecond, func() (bool, error) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("take the lock %q: %w", path, err)
	}
	return func() { file.Close() }, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// tail is the last lines of a text.
func tail(text []byte, lines int) string {
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
