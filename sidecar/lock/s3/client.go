package s3

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/credentials"
)

// patience bounds every request, those for credentials too: the SDK lets all wait for
// one of these, and no caller's context ends it.
const patience = 5 * time.Second

// regionOfOthers is signed for where a store with this API asks for no other.
const regionOfOthers = "us-east-1"

// errNoRegion says that nothing tells where the bucket is.
var errNoRegion = fmt.Errorf("%s is not set, allowed: a region such as eu-central-1; "+
	"or AWS_REGION, as EKS sets it in pods with an IAM role", Region)

// follow gives clients of the API, as the folder is now.
func follow(ctx context.Context, folder string) (*credentials.Current[secret, *s3.Client], error) {
	connections, longer := newHTTP(), context.WithoutCancel(ctx)
	return credentials.Follow(folder, readSecret, func(given secret) (*s3.Client, error) { //nolint:wrapcheck // it says what is wrong
		return newClient(longer, connections, given)
	})
}

// newClient gives a client of the API. What the secret does not say, the pod's
// surroundings do: environment variables, a service account's role (IRSA), an EKS pod
// identity, or the node's role.
func newClient(ctx context.Context, connections aws.HTTPClient, given secret) (*s3.Client, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(connections),
		awsconfig.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		awsconfig.WithLogger(logging.NewStandardLogger(log.Writer())),
		// What is asked for beyond conditional writes, other stores may not know.
		awsconfig.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		awsconfig.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if given.id != "" {
		options = append(options, awsconfig.WithCredentialsProvider(aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: given.id, SecretAccessKey: given.key, Source: "the lock's Secret"}, nil
			})))
	}
	if given.region != "" {
		options = append(options, awsconfig.WithRegion(given.region))
	}
	c, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the SDK's settings: %w", err)
	}
	switch {
	case c.Region == "" && given.endpoint != "":
		c.Region = regionOfOthers
	case c.Region == "":
		return nil, errNoRegion
	}
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = given.pathStyle
		if given.endpoint != "" {
			o.BaseEndpoint = &given.endpoint
		}
	}), nil
}

// newHTTP gives a client that speaks HTTP/1.1, where every request that is given up
// closes its connection, so that the next attempt takes a new one: over HTTP/2 it would
// go on waiting in a dead connection, and cost the lead.
func newHTTP() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(patience).WithTransportOptions(func(t *http.Transport) {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		t.ForceAttemptHTTP2 = false
		// The SDK's transport may have offered the other one already.
		t.TLSNextProto = nil
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	})
}
