package rbac

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// run writes everything or nothing.
func run(manifests *inject.Manifests, streams genericiooptions.IOStreams) error {
	elections := map[view.Election][]inject.Elected{}
	for _, o := range manifests.Elected() {
		elections[o.Election] = append(elections[o.Election], o)
	}
	var all bytes.Buffer
	for _, e := range slices.SortedFunc(maps.Keys(elections), byName) {
		if err := write(&all, manifests, e, elections[e]); err != nil {
			return err
		}
	}
	if err := manifests.Verdict(); err != nil {
		return err
	}
	if _, err := streams.Out.Write(all.Bytes()); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	what := "elections"
	if len(elections) == 1 {
		what = "election"
	}
	_, _ = fmt.Fprintf(streams.ErrOut, "%d %s\n", len(elections), what)
	return nil
}

func byName(a, b view.Election) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// write writes the objects of one election. Who must not stand in it beside the others
// is refused, as the webhook refuses its pods.
func write(w *bytes.Buffer, manifests *inject.Manifests, e view.Election, candidates []inject.Elected) error {
	var members []ownership.Member
	var accounts []string
	for _, c := range candidates {
		members = append(members, ownership.Member{Workload: c.Decision.Workload, Named: c.Decision.Named})
		accounts = append(accounts, c.Account)
	}
	record := ownership.First(members)
	lock := candidates[0].Decision.Lock
	for i, c := range candidates {
		if refusal, refused := record.Refuses(members[i], members); refused {
			manifests.Refuse(c.Object, refusal.Tell(e.Namespace, e.Name))
		}
		if own := c.Decision.Lock; own != lock {
			other := onelock.Other{Pod: candidates[0].Object, Lock: lock}
			manifests.Refuse(c.Object, other.Tell(e.Namespace, e.Name, own))
		}
	}
	slices.Sort(accounts)
	type made struct {
		kind   schema.GroupVersionKind
		object any
	}
	objects := []made{{coordinationv1.SchemeGroupVersion.WithKind("Lease"), rights.Lease(e, lock, members)}}
	if lock.Scheme == config.LockEndpoints {
		objects = append(objects, made{view.EndpointsKind(), rights.Applicable(e)})
	}
	objects = append(objects,
		made{rbacv1.SchemeGroupVersion.WithKind("Role"), rights.Role(e, lock)},
		made{rbacv1.SchemeGroupVersion.WithKind("RoleBinding"), rights.RoleBinding(e, slices.Compact(accounts))})
	for _, o := range objects {
		text, err := manifest(o.kind, o.object)
		if err != nil {
			return fmt.Errorf("write the %s of election %s: %w", o.kind.Kind, e, err)
		}
		w.WriteString("---\n")
		w.Write(text)
	}
	return nil
}

// manifest is an object as people write it, without the empty fields that its type
// has: to apply them would take them from those who fill them.
func manifest(kind schema.GroupVersionKind, object any) ([]byte, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	maps.DeleteFunc(fields, func(_ string, value any) bool {
		inner, ok := value.(map[string]any)
		return ok && len(inner) == 0
	})
	if metadata, ok := fields["metadata"].(map[string]any); ok && metadata["creationTimestamp"] == nil {
		delete(metadata, "creationTimestamp")
	}
	fields["apiVersion"], fields["kind"] = kind.GroupVersion().String(), kind.Kind
	return k8syaml.Marshal(fields)
}
