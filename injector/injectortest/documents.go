package injectortest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// eachDocument calls f with every document of a YAML file, as JSON, until f gives an
// error.
func eachDocument(path string, f func(raw json.RawMessage, object *metav1.PartialObjectMetadata) error) error {
	file, err := os.OpenInRoot(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	defer file.Close()
	documents := yaml.NewYAMLToJSONDecoder(file)
	for {
		var raw json.RawMessage
		if err := documents.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var object metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw, &object); err != nil {
			return err
		}
		if err := f(raw, &object); err != nil {
			return err
		}
	}
}
