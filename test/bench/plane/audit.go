package plane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// auditPolicy logs who asked what of a Lease, and how it was answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    namespaces: [` + Namespace + `]
    resources: [{group: coordination.k8s.io, resources: [leases]}]
  - level: None
`

// Request is one request to a Lease, as the API server saw it.
type Request struct {
	// At is when the API server received it, by this machine's wall clock.
	At time.Time
	// User is who asked, Lease what for, Verb Kubernetes' verb.
	User, Lease, Verb string
	// Code is the answer's HTTP status code.
	Code int
}

// Conflict says that the request was a write that came too late.
func (r Request) Conflict() bool { return r.Code == 409 }

// Read says that the request was a quorum read: not a watch, and not a write.
func (r Request) Read() bool { return r.Verb == "get" || r.Verb == "list" }

// Audit reads the API server's audit log. One goroutine may use it at a time.
type Audit struct {
	path   string
	leases coordinationv1.LeaseInterface
	offset int64
	marks  int
}

// Requests gives the requests that have been answered since the last call. A
// watch is a request from when it is opened, and only then.
//
// The log has no order among requests of the same moment: to be sure of a
// request, ask a little after its answer.
func (a *Audit) Requests(ctx context.Context) ([]Request, error) {
	a.marks++
	mark := "audit-mark-" + strconv.Itoa(a.marks)
	if _, err := a.leases.Get(ctx, mark, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("mark the audit log: %w", errors.Join(err, errors.New("the mark should be missing")))
	}
	var all []Request
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		requests, err := a.read()
		found := false
		for _, r := range requests {
			if r.Lease == mark {
				found = true
				continue
			}
			all = append(all, r)
		}
		return found, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log up to %q: %w", mark, err)
	}
	return all, nil
}

// read gives what whole lines were written since the last time.
func (a *Audit) read() ([]Request, error) {
	f, err := os.Open(a.path)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(a.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read on in the audit log: %w", err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	requests, err := parse(content)
	if err != nil {
		return nil, err
	}
	a.offset += int64(len(content))
	return requests, nil
}

// parse reads events of audit.k8s.io/v1, one a line.
func parse(content []byte) ([]Request, error) {
	var requests []Request
	for line := range bytes.Lines(content) {
		var event struct {
			Stage string `json:"stage"`
			Verb  string `json:"verb"`
			User  struct {
				Username string `json:"username"`
			} `json:"user"`
			ObjectRef struct {
				Name string `json:"name"`
			} `json:"objectRef"`
			ResponseStatus struct {
				Code int `json:"code"`
			} `json:"responseStatus"`
			RequestReceivedTimestamp metav1.MicroTime `json:"requestReceivedTimestamp"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("read an audit event %q: %w", line, err)
		}
		// A watch that has begun is logged twice, the second time when it ends;
		// one that was refused is logged as any request.
		ended := event.Verb == "watch" && event.Stage == "ResponseComplete" && event.ResponseStatus.Code == 200
		if ended {
			continue
		}
		requests = append(requests, Request{
			At: event.RequestReceivedTimestamp.Time, User: event.User.Username,
			Lease: event.ObjectRef.Name, Verb: event.Verb, Code: event.ResponseStatus.Code,
		})
	}
	return requests, nil
}
