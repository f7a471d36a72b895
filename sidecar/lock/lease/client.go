package lease

import (
	"context"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

var (
	scheme     = newScheme()
	parameters = runtime.NewParameterCodec(scheme)
)

// http11 makes every request that is given up close its connection, so that the
// next attempt takes a new one: over HTTP/2 it would go on waiting in a dead
// connection, and cost the lead.
var http11 = []string{"http/1.1"}

// newScheme registers the Lease and what every request needs, and nothing else.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypes(coordinationv1.SchemeGroupVersion, &coordinationv1.Lease{}, &coordinationv1.LeaseList{})
	metav1.AddToGroupVersion(s, coordinationv1.SchemeGroupVersion)
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	return s
}

// newClient gives a REST client of the coordination group. It has no rate
// limiter: the candidate paces itself, and a renewal must not wait in a queue.
func newClient(config *rest.Config) (rest.Interface, error) {
	c := rest.CopyConfig(config)
	c.GroupVersion = &coordinationv1.SchemeGroupVersion
	c.APIPath = "/apis"
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.ContentType = runtime.ContentTypeJSON
	c.QPS = -1
	c.NextProtos = http11
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return answerRecorder{next: next} })
	return rest.RESTClientFor(c)
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
