package s3

import (
	"strconv"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// The keys of a Secret with credentials, each a file of the folder. Any may be absent.
const (
	// Endpoint is the URL of another server with this API; default Amazon's own.
	Endpoint = credentials.Endpoint
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

// secret is what a folder with credentials says.
type secret struct {
	endpoint, region string
	pathStyle        bool
	id, key          string
}

// readSecret reads a folder.
func readSecret(r *credentials.Reader) secret {
	s := secret{region: r.Value(Region), endpoint: r.Endpoint(), id: r.Value(AccessKeyID), key: r.Value(SecretAccessKey)}
	s.pathStyle = s.endpoint != ""
	if style := r.Value(PathStyle); style != "" {
		var err error
		if s.pathStyle, err = strconv.ParseBool(style); err != nil {
			r.Refusef("%s=%q, allowed: true or false", PathStyle, style)
		}
	}
	if (s.id == "") != (s.key == "") {
		r.Refusef("of %s and %s one is missing, allowed: both or neither", AccessKeyID, SecretAccessKey)
	}
	return s
}
