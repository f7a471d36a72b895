package cluster

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
)

// Image is a container image made of files alone, FROM scratch.
type Image struct {
	// Name is repository:tag, as pods name it. Pods take it with
	// imagePullPolicy IfNotPresent or Never.
	Name string
	// Files are what the image holds. Directories above them are made, 0755.
	Files []File
	// Entrypoint is the command, Args its default arguments.
	Entrypoint, Args []string
	// User is numeric, "65532" or "65532:65532". Empty means root.
	User string
	// Env are variables, NAME=value each.
	Env []string
	// Labels are the image's labels.
	Labels map[string]string
}

// File is one file of an Image, owned by root.
type File struct {
	// Path is where it is in the image.
	Path string
	// Source is where its content is on the host; Content is taken if empty.
	Source  string
	Content []byte
	// Mode is its permissions. Zero means those of Source, or 0644.
	Mode fs.FileMode
}

// WriteArchive writes an image in the format of "docker save", for containerd,
// podman, docker or buildah to import. The same image gives the same bytes.
func WriteArchive(to io.Writer, image Image) error {
	layer, err := image.layer()
	if err != nil {
		return fmt.Errorf("build the image %q: %w", image.Name, err)
	}
	layerID := digest(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config": map[string]any{
			"Entrypoint": image.Entrypoint, "Cmd": image.Args, "Env": image.Env,
			"User": image.User, "Labels": image.Labels, "WorkingDir": "/",
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + layerID}},
	})
	if err != nil {
		return fmt.Errorf("build the image %q: %w", image.Name, err)
	}
	configName, layerName := digest(config)+".json", layerID+"/layer.tar"
	manifest, err := json.Marshal([]any{map[string]any{
		"Config": configName, "RepoTags": []string{image.Name}, "Layers": []string{layerName},
	}})
	if err != nil {
		return fmt.Errorf("build the image %q: %w", image.Name, err)
	}
	archive := tar.NewWriter(to)
	for _, entry := range []struct {
		name    string
		content []byte
	}{{configName, config}, {layerName, layer}, {"manifest.json", manifest}} {
		if err := addFile(archive, entry.name, 0o644, entry.content); err != nil {
			return fmt.Errorf("write the image %q: %w", image.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write the image %q: %w", image.Name, err)
	}
	return nil
}

// layer is the image's file system as one archive.
func (i Image) layer() ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	// What is there already: true for a directory.
	made := map[string]bool{".": true}
	files := slices.Clone(i.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, file := range files {
		name := strings.TrimPrefix(path.Clean("/"+file.Path), "/")
		if name == "" {
			return nil, fmt.Errorf("add a file at %q: it has no name", file.Path)
		}
		if err := addParents(archive, made, name); err != nil {
			return nil, err
		}
		if _, there := made[name]; there {
			return nil, fmt.Errorf("add a file at %q: there is something already", file.Path)
		}
		made[name] = false
		data, mode, err := file.read()
		if err != nil {
			return nil, err
		}
		if err := addFile(archive, name, mode, data); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

func (f File) read() ([]byte, fs.FileMode, error) {
	data, mode := f.Content, fs.FileMode(0o644)
	if f.Source != "" {
		info, err := os.Stat(f.Source)
		if err != nil {
			return nil, 0, fmt.Errorf("add a file: %w", err)
		}
		mode = info.Mode().Perm()
		if data, err = os.ReadFile(f.Source); err != nil {
			return nil, 0, fmt.Errorf("add a file: %w", err)
		}
	}
	if f.Mode != 0 {
		mode = f.Mode.Perm()
	}
	return data, mode, nil
}

func addParents(archive *tar.Writer, made map[string]bool, name string) error {
	var parents []string
	for dir := path.Dir(name); !made[dir]; dir = path.Dir(dir) {
		if _, there := made[dir]; there {
			return fmt.Errorf("add a file at %q: %q is a file", name, dir)
		}
		made[dir] = true
		parents = append(parents, dir)
	}
	for _, dir := range slices.Backward(parents) {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	return nil
}

func addFile(archive *tar.Writer, name string, mode fs.FileMode, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode.Perm()), Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func writeArchiveFile(name string, image Image) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the image %q: %w", image.Name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return WriteArchive(file, image)
}
