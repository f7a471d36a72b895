package credentials_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

func put(t *testing.T, folder, key, value string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestValues(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "key", " hush\n")
	r := credentials.NewReader(folder)
	if got := r.Value("key"); got != "hush" {
		t.Errorf("the value is %q", got)
	}
	if got, none := r.Value("other"), credentials.NewReader("").Value("key"); got != "" || none != "" {
		t.Errorf("absent keys are %q and %q", got, none)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	put(t, filepath.Join(folder, "a-folder"), "key", "")
	r.Value("a-folder")
	r.Refusef("%s is too short", "key")
	for _, want := range []string{"read the credentials in ", "read a-folder: ", "key is too short"} {
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	const url, origin = "endpoint is refused, allowed: a URL that begins with http:// or https://", "without a path"
	for name, test := range map[string]struct {
		text, endpoint, origin string
		refused, refusedOrigin string
	}{
		"none":               {},
		"a server":           {text: "https://storage.example.com\n", endpoint: "https://storage.example.com", origin: "https://storage.example.com"},
		"a port and a slash": {text: "http://127.0.0.1:9000/", endpoint: "http://127.0.0.1:9000", origin: "http://127.0.0.1:9000"},
		"a path":             {text: "http://127.0.0.1:10000/shop/", endpoint: "http://127.0.0.1:10000/shop", refusedOrigin: origin},
		"no scheme":          {text: "hush.example", refused: url, refusedOrigin: url},
		"a host as scheme":   {text: "hush:9000", refused: url, refusedOrigin: url},
		"another scheme":     {text: "ftp://hush.example", refused: url, refusedOrigin: url},
		"no host":            {text: "https:///hush", refused: url, refusedOrigin: url},
		"a user":             {text: "https://me:hush@example.com", refused: url, refusedOrigin: url},
		"a signature":        {text: "https://example.com?sig=hush", refused: url, refusedOrigin: url},
		"a fragment":         {text: "https://example.com#hush", refused: url, refusedOrigin: url},
		"no URL":             {text: "http://hush hush", refused: url, refusedOrigin: url},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if test.text != "" {
				put(t, folder, credentials.Endpoint, test.text)
			}
			for _, read := range []struct {
				by            func(*credentials.Reader) string
				want, refused string
			}{
				{(*credentials.Reader).Endpoint, test.endpoint, test.refused},
				{(*credentials.Reader).Origin, test.origin, test.refusedOrigin},
			} {
				r := credentials.NewReader(folder)
				if got := read.by(r); got != read.want {
					t.Errorf("it reads as %q, want %q", got, read.want)
				}
				err := r.Err()
				if (err == nil) != (read.refused == "") || err != nil && !strings.Contains(err.Error(), read.refused) {
					t.Errorf("the error is %v, want %q", err, read.refused)
				}
				if err != nil && strings.Contains(err.Error(), "hush") {
					t.Errorf("the error tells what the file holds: %v", err)
				}
			}
		})
	}
}

// names reads two keys that belong together.
func names(r *credentials.Reader) [2]string {
	if r.Value("id") == "wrong" {
		r.Refusef("id is wrong")
	}
	return [2]string{r.Value("id"), r.Value("key")}
}

func TestAChangedFolderIsTakenUp(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "id", "1")
	synctest.Test(t, func(t *testing.T) {
		made := 0
		current, err := credentials.Follow(folder, names, func(is [2]string) (string, error) {
			made++
			if is[0] == "useless" {
				return "", errors.New("nothing can be made of it")
			}
			return is[0], nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			id   string
			wait time.Duration
			want string
			made int
		}{
			{"1", credentials.Reread, "1", 1},
			{"2", credentials.Reread - 1, "1", 1},
			{"2", 1, "2", 2},
			{"wrong", credentials.Reread, "2", 2},
			{"useless", credentials.Reread, "2", 3},
			{"3", credentials.Reread, "3", 4},
		} {
			put(t, folder, "id", step.id)
			time.Sleep(step.wait)
			if got := current.Get(); got != step.want || made != step.made {
				t.Errorf("with %s it is %s, made %d times, want %s and %d", step.id, got, made, step.want, step.made)
			}
		}
	})
}

func TestAFolderThatIsWrongAtFirst(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "id", "wrong")
	none := errors.New("nothing can be made of it")
	build := func([2]string) (int, error) { return 0, none }
	if _, err := credentials.Follow(folder, names, build); err == nil || !strings.Contains(err.Error(), "id is wrong") {
		t.Errorf("the error is %v", err)
	}
	put(t, folder, "id", "1")
	if _, err := credentials.Follow(folder, names, build); !errors.Is(err, none) {
		t.Errorf("the error is %v", err)
	}
}

// TestAFolderThatChangesMeanwhile changes it as the kubelet does, while it is read.
func TestAFolderThatChangesMeanwhile(t *testing.T) {
	folder := t.TempDir()
	for _, is := range []string{"old", "new"} {
		put(t, filepath.Join(folder, is), "id", is)
		put(t, filepath.Join(folder, is), "key", is)
	}
	link := func(name, to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(folder, "tmp")), os.Rename(filepath.Join(folder, "tmp"), filepath.Join(folder, name))); err != nil {
			t.Fatal(err)
		}
	}
	link("..data", "old")
	link("id", "..data/id")
	link("key", "..data/key")
	reads := 0
	current, err := credentials.Follow(folder, func(r *credentials.Reader) [2]string {
		id := r.Value("id")
		reads++
		if reads == 1 {
			link("..data", "new")
		}
		return [2]string{id, r.Value("key")}
	}, func(is [2]string) ([2]string, error) { return is, nil })
	if want := [2]string{"new", "new"}; err != nil || current.Get() != want {
		t.Errorf("it is %v, %v", current, err)
	}
}
