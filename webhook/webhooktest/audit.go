package webhooktest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// policySuffix makes the name of the audit policy's file out of the log's.
const policySuffix = ".policy"

// auditPolicy writes down who asked for what, once for each request.
const auditPolicy = `{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"omitManagedFields":true,"rules":[
	{"level":"None","users":["system:apiserver"]},
	{"level":"None","nonResourceURLs":["*"]},
	{"level":"Metadata"}]}`

// MainAudited is Main with an API server that keeps a log of all requests, for
// Cluster.Requests.
func MainAudited(m *testing.M, cluster *Cluster) int {
	folder, err := os.MkdirTemp("", "audit")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	log := filepath.Join(folder, "log")
	const mine = 0o600
	if err := os.WriteFile(log+policySuffix, []byte(auditPolicy), mine); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run(m, cluster, log)
}

// Request is one that the webhook's account made.
type Request struct {
	Verb, Group, Resource, Namespace, Name string
	// Forbidden says that the account lacked the right.
	Forbidden bool
}

// auditEvent is as much of audit.k8s.io/v1 as is read here.
type auditEvent struct {
	Verb string `json:"verb"`
	// User is whom the test stands for.
	User struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	Object struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Answer struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// Requests are all that the webhook's account has made since the log had that many
// bytes, and how many it has now.
func (c Cluster) Requests(t *testing.T, from int64) (made []Request, to int64) {
	t.Helper()
	log, err := os.Open(c.Audit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	if _, err := log.Seek(from, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil { // the last line may be half written
			return made, from
		}
		from += int64(len(line))
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("read the audit log: %v: %s", err, line)
		}
		if event.User.Username != Account {
			continue
		}
		o := event.Object
		if o.Subresource != "" {
			o.Resource += "/" + o.Subresource
		}
		request := Request{
			Verb: event.Verb, Group: o.Group, Resource: o.Resource, Namespace: o.Namespace, Name: o.Name,
			Forbidden: event.Annotations["authorization.k8s.io/decision"] == "forbid",
		}
		made = append(made, request)
		if request.Verb == "patch" && event.Answer.Code == http.StatusCreated {
			// An apply that finds nothing needs the right to create too, which the log does not tell.
			request.Verb = "create"
			made = append(made, request)
		}
	}
}
