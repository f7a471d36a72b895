package images_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// image is what an OCI image layout holds.
type image struct {
	// digest is the manifest's, and so of everything below it.
	digest string
	// raw is the configuration as it is stored.
	raw    []byte
	config imageConfig
	files  map[string]file
}

// imageConfig is what matters here of an image's configuration.
type imageConfig struct {
	Created      time.Time `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       struct {
		User       string            `json:"User"`
		Entrypoint []string          `json:"Entrypoint"`
		Cmd        []string          `json:"Cmd"`
		Env        []string          `json:"Env"`
		Labels     map[string]string `json:"Labels"`
	} `json:"config"`
}

// file is one of an image, regular or not.
type file struct {
	mode    fs.FileMode
	owner   string
	changed time.Time
	content []byte
}

type descriptor struct {
	Digest string `json:"digest"`
}

// readLayout reads a folder that has one image.
func readLayout(dir string) (image, error) {
	content, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return image{}, err
	}
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(content, &index); err != nil {
		return image{}, err
	}
	if len(index.Manifests) != 1 {
		return image{}, fmt.Errorf("read %q: it has %d images", dir, len(index.Manifests))
	}
	i := image{digest: index.Manifests[0].Digest, files: map[string]file{}}
	content, err = blob(dir, i.digest)
	if err != nil {
		return image{}, err
	}
	var manifest struct {
		Config descriptor   `json:"config"`
		Layers []descriptor `json:"layers"`
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		return image{}, err
	}
	if i.raw, err = blob(dir, manifest.Config.Digest); err != nil {
		return image{}, err
	}
	if err := json.Unmarshal(i.raw, &i.config); err != nil {
		return image{}, err
	}
	for _, layer := range manifest.Layers {
		if content, err = blob(dir, layer.Digest); err != nil {
			return image{}, err
		}
		if err := i.add(content); err != nil {
			return image{}, fmt.Errorf("read the layer %q: %w", layer.Digest, err)
		}
	}
	return i, nil
}

func blob(dir, digest string) ([]byte, error) {
	algorithm, sum, _ := strings.Cut(digest, ":")
	return os.ReadFile(filepath.Join(dir, "blobs", algorithm, sum))
}

// add adds the files of a layer.
func (i image) add(layer []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		return err
	}
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		i.files["/"+strings.Trim(header.Name, "/")] = file{
			mode: header.FileInfo().Mode(), owner: fmt.Sprintf("%d:%d", header.Uid, header.Gid),
			changed: header.ModTime.UTC(), content: content,
		}
	}
}
