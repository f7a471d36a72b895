package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	kube "k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/injector/injectortest"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// creationTimeout bounds one request.
const creationTimeout = time.Minute

// contestants are whom pods are created with, in the report's order.
var contestants = []string{report.NoWebhook, report.Idle, report.Leaseholder}

// creator creates pods, with as little work of its own as can be: a pod is
// encoded before, and the answer is not decoded.
type creator struct{ client kube.Interface }

func newCreator(c *kube.Config) (*creator, error) {
	c = kube.CopyConfig(c)
	c.APIPath, c.GroupVersion, c.NegotiatedSerializer = "/api", &corev1.SchemeGroupVersion, scheme.Codecs.WithoutConversion()
	c.AcceptContentTypes, c.ContentType = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	client, err := kube.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &creator{client: client}, nil
}

// encoded is a pod of that size which asks for a sidecar, as controllers send it.
func encoded(size injectortest.Size, election string) ([]byte, error) {
	info, ok := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	if !ok {
		return nil, fmt.Errorf("encode a pod: no %s", runtime.ContentTypeProtobuf)
	}
	pod := size.Pod(map[string]string{injector.AnnotationInject: "true", injector.AnnotationElection: election})
	raw, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion), pod)
	if err != nil {
		return nil, fmt.Errorf("encode a pod: %w", err)
	}
	return raw, nil
}

// create creates an encoded pod where the contestant is asked, and says how long
// that took. What comes back must be injected if Leaseholder was asked, and not
// otherwise.
func (c *creator) create(ctx context.Context, contestant string, pod []byte, o metav1.CreateOptions) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, creationTimeout)
	defer cancel()
	begun := now()
	answer, err := c.client.Post().Namespace(namespaceOf(contestant)).Resource("pods").VersionedParams(&o, scheme.ParameterCodec).
		SetHeader("Content-Type", runtime.ContentTypeProtobuf).Body(pod).Do(ctx).Raw()
	took := now() - begun
	if err != nil {
		return 0, fmt.Errorf("create a pod with %s: %w", contestant, err)
	}
	if injected := bytes.Contains(answer, []byte(config.URLVariable)); injected != (contestant == report.Leaseholder) {
		return 0, fmt.Errorf("create a pod with %s: it was injected: %v", contestant, injected)
	}
	return took, nil
}

// dry is a creation that leaves nothing behind.
var dry = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// oneAtATime creates pods with all contestants in turns, each first as often as
// the others.
func (c *creator) oneAtATime(ctx context.Context, pod []byte, rounds int) (map[string][]time.Duration, error) {
	took := map[string][]time.Duration{}
	for round := range rounds {
		for _, contestant := range inTurn(contestants, round) {
			d, err := c.create(ctx, contestant, pod, dry)
			if err != nil {
				return nil, err
			}
			took[contestant] = append(took[contestant], d)
		}
	}
	return took, nil
}

// inTurn begins a list at another place in every round.
func inTurn(all []string, round int) []string {
	at := round % len(all)
	return slices.Concat(all[at:], all[:at])
}

// block creates n pods with one contestant, so many of them at once.
func (c *creator) block(ctx context.Context, contestant string, pod []byte, n, atOnce int, o metav1.CreateOptions) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for range n {
		group.Go(func() error {
			d, err := c.create(ctx, contestant, pod, o)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			return err
		})
	}
	err := group.Wait()
	return took, err
}

// creation describes what creations took, of whose webhook so much CPU time was
// used.
func creation(contestant, size string, atOnce int, took []time.Duration, cpu time.Duration) report.Creation {
	c := report.Creation{Contestant: contestant, Pod: size, AtOnce: atOnce, Took: report.SampleOf(stats.Milliseconds(took))}
	c.CPU = float64(cpu.Microseconds()) / float64(len(took)) / 1000
	return c
}
