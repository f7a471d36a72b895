package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// The version of Kubernetes is set in one go.mod; this holds what cannot be
// derived from it to it.
func TestKubernetesLibrariesAreOfItsVersion(t *testing.T) {
	version, err := recipes[0].version(filepath.Join("build", "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	want := "v0" + strings.TrimPrefix(version, "v1")
	read := func(path string) *modfile.File {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := modfile.Parse(path, content, nil)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, replaced := range read(filepath.Join("build", "kubernetes", "go.mod")).Replace {
		if strings.HasPrefix(replaced.Old.Path, "k8s.io/") && replaced.New.Version != want {
			t.Errorf("Kubernetes is %s, but %s is %s", version, replaced.New.Path, replaced.New.Version)
		}
	}
}

func TestProgramsKnowTheirVersion(t *testing.T) {
	stamps := recipes[0].stamp("v1.40.3")
	for name, want := range map[string]string{
		"k8s.io/component-base/version.gitVersion":  "v1.40.3",
		"k8s.io/client-go/pkg/version.gitMajor":     "1",
		"k8s.io/component-base/version.gitMinor":    "40",
		"k8s.io/client-go/pkg/version.gitTreeState": "",
	} {
		if stamps[name] != want {
			t.Errorf("%s is %q instead of %q", name, stamps[name], want)
		}
	}
}

func TestKeyChangesWithTheSources(t *testing.T) {
	dir := t.TempDir()
	keys := map[string]bool{}
	for _, content := range []string{"package main", "package main // changed"} {
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			key, err := recipe{name: "test"}.key(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			keys[key] = true
		}
	}
	if len(keys) != 2 {
		t.Errorf("two sources have the keys %v", keys)
	}
}

func TestPlaceReplacesAndRepeats(t *testing.T) {
	dir := t.TempDir()
	source, target := filepath.Join(dir, "source"), filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, []byte("new"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := place(source, target); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != "new" {
			t.Errorf("the target is %q, %v", got, err)
		}
	}
	if exists(target + ".new") {
		t.Error("a half-placed file is left")
	}
}

func TestMissingPackages(t *testing.T) {
	for absent, want := range map[string]string{
		"/usr/bin/runc":       "runc",
		"/usr/sbin/nft":       "nftables",
		"/usr/lib/cni/bridge": "containernetworking-plugins", // although iproute2's is there
	} {
		all := []string{
			"/usr/bin/runc", "/usr/lib/cni/bridge", "/usr/sbin/bridge", "/usr/sbin/nft", "/usr/sbin/iptables",
			"/usr/sbin/conntrack", "/usr/bin/unshare", "/usr/bin/mount",
		}
		got := missingPackages(func(path string) bool { return path != absent && slices.Contains(all, path) })
		if strings.Join(got, " ") != want {
			t.Errorf("without %s, %v are missing", absent, got)
		}
	}
}

func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		invalid bool
	}{
		"a directory is enough":             {Options{Dir: "a"}, false},
		"a directory is required":           {Options{}, true},
		"too many nodes":                    {Options{Dir: "a", Nodes: maxNodes + 1}, true},
		"fewer than no nodes":               {Options{Dir: "a", Nodes: -1}, true},
		"arguments for an unknown program":  {Options{Dir: "a", Args: map[string][]string{"kubectl": nil}}, true},
		"arguments for one of its programs": {Options{Dir: "a", Args: map[string][]string{"etcd": {"--debug"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.options.complete()
			if (err != nil) != test.invalid {
				t.Fatalf("got the error %v", err)
			}
			if err == nil && (got.Nodes != 1 || !filepath.IsAbs(got.Dir) || got.Out == nil) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
