package grants

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Reason and action of the Event that tells why a Lease stays, or Endpoints.
const (
	// ReasonFenced says that a lock that no pod uses is kept for its fencing token.
	ReasonFenced = "LeaseKept"
	actionRemove = "Remove"
)

// skew is how far apart the clocks of a cluster's API servers may be: the next
// candidate may hear the time from another one. It is more than clocks that are kept at
// all are apart, and costs nothing but that a Lease stays as much longer.
const skew = time.Minute

// fenced says after which time to look again at an object whose token is ahead of the
// API server's clock; zero if it is not. The first term of one that is made anew knows
// no token but that clock, and would have a smaller one.
//
// It is the API server's clock that counts, as it does for the candidates. Whether the
// object is still the one that was decided on, its deletion shows.
func (t *term) fenced(ctx context.Context, e view.Election, o client.Object, token int64) (again time.Duration, err error) {
	now, err := t.serverTime(ctx)
	switch {
	case err != nil:
		return 0, err
	case now.IsZero():
		// A proxy may take the time out of the answer. Who does not know it removes nothing.
		return t.UnusedAfter, nil
	}
	ahead := time.UnixMilli(token).Add(skew).Sub(now)
	if ahead < 0 {
		return 0, nil
	}
	until := time.UnixMilli(token).UTC().Format(time.RFC3339)
	t.Logger.InfoContext(ctx, "a lock stays for its token", "election", e.String(), "kind", kindOf(o), "token", token, "until", until)
	t.Teller.Tell(ctx, event.Event{
		Regarding: event.Reference(versionOf(o), kindOf(o), o),
		Type:      corev1.EventTypeNormal,
		Reason:    ReasonFenced,
		Action:    actionRemove,
		Note: fmt.Sprintf("no pod uses election %q any more, but this object stays until the API server's clock has passed the fencing token %d, at %s: "+
			"%s that are made anew would begin with a smaller token", e.Name, token, until, pluralOf(o)),
		Occasion: strconv.FormatInt(token, 10),
	})
	return min(ahead+time.Second, t.UnusedAfter), nil
}

// serverTime is the API server's clock, which every answer tells; zero if this one does
// not.
func (t *term) serverTime(ctx context.Context) (time.Time, error) {
	c, err := rest.HTTPClientFor(t.Kube)
	if err != nil {
		return time.Time{}, fmt.Errorf("make a client for the API server's clock: %w", err)
	}
	server, _, err := rest.DefaultServerUrlFor(t.Kube)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the API server's address: %w", err)
	}
	// Every account may get the version, and nobody may do more with it.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.JoinPath("version").String(), http.NoBody)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the API server for its clock: %w", err)
	}
	answer, err := c.Do(request)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the API server for its clock: %w", err)
	}
	_ = answer.Body.Close()
	now, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // it is not told
	}
	return now, nil
}
