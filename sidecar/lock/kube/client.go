package kube

import (
	"context"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// http11 makes every request that is given up close its connection, so that the
// next attempt takes a new one: over HTTP/2 it would go on waiting in a dead
// connection, and cost the lead.
var http11 = []string{"http/1.1"}

// newClient gives a REST client of one group, and what writes a request's options. It
// registers the kind and what every request needs, and nothing else. It has no rate
// limiter: the candidate paces itself, and a renewal must not wait in a queue. Warnings
// are dropped: they tell whoever writes a manifest, such as that another kind is
// recommended, and would come with every renewal.
func newClient(config *rest.Config, of schema.GroupVersion, add func(*runtime.Scheme) error) (rest.Interface, runtime.ParameterCodec, error) {
	scheme := runtime.NewScheme()
	if err := add(scheme); err != nil {
		return nil, nil, err
	}
	metav1.AddToGroupVersion(scheme, of)
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	c := rest.CopyConfig(config)
	c.GroupVersion = &of
	c.APIPath = "/apis"
	if of.Group == "" {
		c.APIPath = "/api"
	}
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.ContentType = runtime.ContentTypeJSON
	c.QPS = -1
	c.NextProtos = http11
	c.WarningHandlerWithContext = rest.NoWarnings{}
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return answerRecorder{next: next} })
	client, err := rest.RESTClientFor(c)
	return client, runtime.NewParameterCodec(scheme), err
}

// answer is what an HTTP answer told beside its body.
type answer struct {
	// date is the server's clock, zero when the answer did not tell it.
	date time.Time
}

type answerKey struct{}

// withAnswer gives a context whose request leaves its answer behind. It may be
// read when the request has ended.
func withAnswer(ctx context.Context) (context.Context, *answer) {
	a := new(answer)
	return context.WithValue(ctx, answerKey{}, a), a
}

// answerRecorder fills the answer that a request's context carries.
type answerRecorder struct{ next http.RoundTripper }

func (r answerRecorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if a, ok := request.Context().Value(answerKey{}).(*answer); ok && err == nil {
		if date, derr := http.ParseTime(response.Header.Get("Date")); derr == nil {
			a.date = date
		}
	}
	return response, err
}
