package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The keys of a Secret with credentials, each a file of the folder. Any may be absent.
const (
	// Endpoint is the URL of another server with this API; default Amazon's own.
	Endpoint = "endpoint"
	// Region is where the bucket is; default what AWS_REGION says, or with an endpoint
	// us-east-1.
	Region = "region"
	// PathStyle says whether the bucket's name is part of the path instead of the
	// host's name: true or false; default true with an endpoint, and false without.
	PathStyle = "path-style"
	// AccessKeyID and SecretAccessKey are a user's key, both or neither; default the
	// SDK's chain.
	AccessKeyID     = "access-key-id"
	SecretAccessKey = "secret-access-key"
)

// reread is how often the access key is read again.
const reread = time.Minute

// secret is what a folder with credentials says.
type secret struct {
	endpoint, region string
	pathStyle        bool
	// keys says that there is an access key.
	keys bool
}

// readSecret reads a folder, and lists all that is wrong in it. No secret value is
// ever part of an error.
func readSecret(folder string) (secret, error) {
	var s secret
	var faults []error
	value := func(key string) string {
		v, err := read(folder, key)
		faults = append(faults, err)
		return v
	}
	s.region = value(Region)
	s.endpoint = value(Endpoint)
	if s.endpoint != "" {
		if u, err := url.Parse(s.endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			faults = append(faults, fmt.Errorf("%s=%q, allowed: a URL that begins with http:// or https://, without a user", Endpoint, s.endpoint))
		}
	}
	s.pathStyle = s.endpoint != ""
	if style := value(PathStyle); style != "" {
		var err error
		if s.pathStyle, err = strconv.ParseBool(style); err != nil {
			faults = append(faults, fmt.Errorf("%s=%q, allowed: true or false", PathStyle, style))
		}
	}
	id, key := value(AccessKeyID), value(SecretAccessKey)
	s.keys = id != "" && key != ""
	if (id == "") != (key == "") {
		faults = append(faults, fmt.Errorf("of %s and %s one is missing, allowed: both or neither", AccessKeyID, SecretAccessKey))
	}
	if err := errors.Join(faults...); err != nil {
		return secret{}, fmt.Errorf("read the credentials in %q: %w", folder, err)
	}
	return s, nil
}

// read gives a key's value without white space around it, and empty for one that is
// absent.
func read(folder, key string) (string, error) {
	if folder == "" {
		return "", nil
	}
	text, err := os.ReadFile(filepath.Join(folder, key)) //nolint:gosec // the settings name the folder, and constants the key
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return strings.TrimSpace(string(text)), nil
}
