// Package credentials reads a folder with credentials: a mounted Secret with a file a key,
// each of which may be absent. All stores read theirs through it, and so keep what it
// promises: all faults of a folder are told at once, each by its key and what is allowed;
// what a file holds is in no error (but what a store itself says of a value that is no
// secret); and what is changed in the folder is taken up while the process runs (Current).
package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Endpoint is the key that all stores have: the URL of another server with the store's API.
const Endpoint = "endpoint"

// Reader reads a folder, and keeps what is wrong in it.
type Reader struct {
	folder string
	faults []error
}

// NewReader gives the reader of a folder; without a name, every key is absent.
func NewReader(folder string) *Reader { return &Reader{folder: folder} }

// Value is what a key's file holds, without white space around it, and empty when there
// is none.
func (r *Reader) Value(key string) string {
	if r.folder == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(r.folder, key)) //nolint:gosec // the settings name the folder, and constants the key
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.faults = append(r.faults, fmt.Errorf("read %s: %w", key, err))
	}
	return strings.TrimSpace(string(text))
}

// Endpoint is the value of Endpoint, a URL that may have a path, without a slash at its
// end. It is in no error, for a user in it comes with a password.
func (r *Reader) Endpoint() string {
	text := r.Value(Endpoint)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.Refusef("%s is refused, allowed: a URL that begins with http:// or https://, without a user and without what follows ? or #", Endpoint)
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}

// Origin is Endpoint for a store whose API is at no path.
func (r *Reader) Origin() string {
	endpoint := r.Endpoint()
	if u, err := url.Parse(endpoint); err != nil || u.Path != "" {
		r.Refusef("%s is refused, allowed: an http or https URL without a path, such as https://storage.example.com", Endpoint)
		return ""
	}
	return endpoint
}

// Refusef says what else is wrong.
func (r *Reader) Refusef(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// Err is all that is wrong in the folder.
func (r *Reader) Err() error {
	if err := errors.Join(r.faults...); err != nil {
		return fmt.Errorf("read the credentials in %q: %w", r.folder, err)
	}
	return nil
}
