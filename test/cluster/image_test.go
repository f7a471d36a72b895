package cluster

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

type entry struct {
	header  tar.Header
	content []byte
}

func readTar(t *testing.T, archive []byte) map[string]entry {
	t.Helper()
	entries := map[string]entry{}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		entries[header.Name] = entry{*header, content}
	}
}

func TestWriteArchive(t *testing.T) {
	source := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	image := Image{
		Name: "test/image:1",
		Files: []File{
			{Path: "/usr/bin/program", Source: source},
			{Path: "etc/settings", Content: []byte("a=b"), Mode: 0o600},
		},
		Entrypoint: []string{"/usr/bin/program"}, Args: []string{"--help"},
		User: "65532:65532", Env: []string{"A=B"},
	}
	var first, second bytes.Buffer
	if err := WriteArchive(&first, image); err != nil {
		t.Fatal(err)
	}
	if err := WriteArchive(&second, image); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same image gives different archives")
	}

	entries := readTar(t, first.Bytes())
	var manifest []struct {
		Config   string   `json:"Config"`
		RepoTags []string `json:"RepoTags"`
		Layers   []string `json:"Layers"`
	}
	if err := json.Unmarshal(entries["manifest.json"].content, &manifest); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(manifest[0].RepoTags, []string{"test/image:1"}) {
		t.Errorf("the image is named %q", manifest[0].RepoTags)
	}
	var config struct {
		Config struct {
			User       string   `json:"User"`
			Entrypoint []string `json:"Entrypoint"`
			Cmd        []string `json:"Cmd"`
			Env        []string `json:"Env"`
		} `json:"config"`
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(entries[manifest[0].Config].content, &config); err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Config.Entrypoint[0] != "/usr/bin/program" ||
		config.Config.Cmd[0] != "--help" || config.Config.Env[0] != "A=B" {
		t.Errorf("the image's settings are %+v", config.Config)
	}
	layer := entries[manifest[0].Layers[0]].content
	if want := "sha256:" + digest(layer); config.RootFS.DiffIDs[0] != want {
		t.Errorf("the layer is named %q, its digest is %q", config.RootFS.DiffIDs[0], want)
	}

	files := readTar(t, layer)
	for name, want := range map[string]struct {
		mode    int64
		content string
	}{
		"usr/": {0o755, ""}, "usr/bin/": {0o755, ""}, "etc/": {0o755, ""},
		"usr/bin/program": {0o755, "program"}, "etc/settings": {0o600, "a=b"},
	} {
		got, found := files[name]
		if !found || got.header.Mode != want.mode || string(got.content) != want.content || got.header.Uid != 0 {
			t.Errorf("%q is there: %t, with mode %o and content %q", name, found, got.header.Mode, got.content)
		}
	}
	if len(files) != 5 {
		t.Errorf("the layer has %d entries", len(files))
	}
}

func TestWriteArchiveRefusesBadFiles(t *testing.T) {
	for name, files := range map[string][]File{
		"two files at one path":                      {{Path: "/a"}, {Path: "a"}},
		"a file where another one needs a directory": {{Path: "/a"}, {Path: "/a/b"}},
		"a file without a name":                      {{Path: "/"}},
		"a source that does not exist":               {{Path: "/a", Source: filepath.Join("no", "such", "file")}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := WriteArchive(io.Discard, Image{Name: "test:1", Files: files}); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}
