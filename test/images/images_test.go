package images_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/test/images"
)

func TestTwoPlacesBuildTheSameImages(t *testing.T) {
	t.Parallel()
	both := built(t)
	for _, name := range images.Names() {
		one, another := both[0].images[name], both[1].images[name]
		if one.digest == another.digest {
			t.Logf("%s: %s", name, one.digest)
			continue
		}
		t.Errorf("%s: digests %s and %s", name, one.digest, another.digest)
		if !bytes.Equal(one.raw, another.raw) {
			t.Errorf("configurations %s\nand %s", one.raw, another.raw)
		}
		for path, file := range one.files {
			if other := another.files[path]; !bytes.Equal(file.content, other.content) || file.mode != other.mode || !file.changed.Equal(other.changed) {
				t.Errorf("%s differs: %v of %s, %v of %s", path, file.mode, file.changed, other.mode, other.changed)
			}
		}
	}
}

func TestAnImageIsAProgramAndItsBill(t *testing.T) {
	t.Parallel()
	first := built(t)[0]
	for _, name := range images.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := first.images[name]
			program := "/" + images.Program(name)
			want := map[string]fs.FileMode{program: 0o755, "/" + images.Bill: 0o644}
			for path, file := range i.files {
				if file.mode.IsDir() && path == "/" {
					continue
				}
				if mode, ok := want[path]; !ok || file.mode != mode {
					t.Errorf("holds %s with the mode %v", path, file.mode)
				}
				if file.owner != "0:0" || file.changed.Unix() != epoch {
					t.Errorf("%s belongs to %s and is of %s", path, file.owner, file.changed)
				}
				delete(want, path)
			}
			if len(want) > 0 {
				t.Errorf("lacks %v", slices.Sorted(maps.Keys(want)))
			}
			c := i.config
			if c.OS != "linux" || c.Architecture != runtime.GOARCH || !c.Created.Equal(time.Unix(epoch, 0)) {
				t.Errorf("is of %s for %s/%s", c.Created, c.OS, c.Architecture)
			}
			// A number other than 0, for runAsNonRoot.
			if c.Config.User != "65532:65532" {
				t.Errorf("runs as %q", c.Config.User)
			}
			if !slices.Equal(c.Config.Entrypoint, []string{program}) || len(c.Config.Cmd) > 0 {
				t.Errorf("runs %q with %q", c.Config.Entrypoint, c.Config.Cmd)
			}
			keys := []string{"description", "licenses", "source", "title", "version"}
			var labels []string
			for key := range c.Config.Labels {
				labels = append(labels, strings.TrimPrefix(key, "org.opencontainers.image."))
			}
			slices.Sort(labels)
			if !slices.Equal(labels, keys) {
				t.Errorf("has the labels %q, not %q", labels, keys)
			}
			if title, v := c.Config.Labels["org.opencontainers.image.title"], c.Config.Labels["org.opencontainers.image.version"]; title != images.Program(name) || v != version {
				t.Errorf("is labelled %q of version %q", title, v)
			}
		})
	}
}

func TestAnImagesProgramRuns(t *testing.T) {
	t.Parallel()
	first := built(t)[0]
	for _, name := range images.Names() {
		program := filepath.Join(t.TempDir(), images.Program(name))
		if err := os.WriteFile(program, first.images[name].files["/"+images.Program(name)].content, 0o755); err != nil {
			t.Fatal(err)
		}
		said, err := run(t.Context(), t.TempDir(), nil, program, "--version")
		if err != nil || !strings.Contains(said, version) {
			t.Errorf("%s --version says %q, %v", name, said, err)
		}
	}
}

func TestABillNamesWhatWasLinked(t *testing.T) {
	t.Parallel()
	toolchain, err := images.Toolchain(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	first := built(t)[0]
	for _, name := range images.Names() {
		files := first.images[name].files
		content := files["/"+images.Program(name)].content
		linked, err := buildinfo.Read(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if linked.GoVersion != toolchain {
			t.Errorf("%s was compiled by %s, not by %s of go.mod", name, linked.GoVersion, toolchain)
		}
		want := map[string]string{"std": toolchain}
		for _, dependency := range linked.Deps {
			want[dependency.Path] = dependency.Version
		}
		type module struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		}
		type property struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		}
		var bill struct {
			BOMFormat    string `json:"bomFormat"`
			SerialNumber string `json:"serialNumber"`
			Metadata     struct {
				Timestamp  string     `json:"timestamp"`
				Component  module     `json:"component"`
				Properties []property `json:"properties"`
			} `json:"metadata"`
			Components []module `json:"components"`
		}
		if err := json.Unmarshal(files["/"+images.Bill].content, &bill); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, component := range bill.Components {
			got[component.Name] = component.Version
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: the bill names %v, linked are %v", name, got, want)
		}
		if bill.BOMFormat != "CycloneDX" || bill.SerialNumber != "" || bill.Metadata.Timestamp != "" ||
			bill.Metadata.Component.Name != linked.Main.Path || bill.Metadata.Component.Version != version {
			t.Errorf("%s: the bill is %q, number %q, of %q, and about %v", name,
				bill.BOMFormat, bill.SerialNumber, bill.Metadata.Timestamp, bill.Metadata.Component)
		}
		sum := sha256.Sum256(content)
		hashed := property{"cdx:gomod:binary:hash:SHA-256", hex.EncodeToString(sum[:])}
		if !slices.Contains(bill.Metadata.Properties, hashed) {
			t.Errorf("%s: the bill lacks the program's hash %v", name, hashed)
		}
	}
}
