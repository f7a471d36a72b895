package injector

import (
	"encoding/json"
	"maps"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAnEntryJoinsAListAndRemovesNothing(t *testing.T) {
	port := excludedPort("ports", 4041)
	four := excludedAddress("ranges", netip.MustParseAddr("10.96.0.1"))
	six := excludedAddress("ranges", netip.MustParseAddr("fd00::1"))
	for name, test := range map[string]struct {
		entry      exclusion
		list, want string
	}{
		"an empty list":                             {port, "", "4041"},
		"a list of spaces":                          {port, "  ", "4041"},
		"a list of others":                          {port, "8080,9090", "8080,9090,4041"},
		"a list with spaces":                        {port, "8080, 9090 ", "8080, 9090 ,4041"},
		"a list that ends with a comma":             {port, "8080, ", "8080, 4041"},
		"a list with the very entry":                {port, "8080, 4041", "8080, 4041"},
		"a list with a range around it":             {port, "4000-4100", "4000-4100"},
		"a list with a range that ends before it":   {port, "4000-4040", "4000-4040,4041"},
		"a list with a range that begins after it":  {port, "4042-5000", "4042-5000,4041"},
		"a port that only begins like it":           {port, "40410", "40410,4041"},
		"a star is all":                             {port, " * ", " * "},
		"words that are no ports":                   {port, "http,a-b,4041-x", "http,a-b,4041-x,4041"},
		"an address":                                {four, "", "10.96.0.1/32"},
		"an address beside others":                  {four, "169.254.169.254/32", "169.254.169.254/32,10.96.0.1/32"},
		"an address in a range":                     {four, "10.1.0.0/16, 10.96.0.0/12", "10.1.0.0/16, 10.96.0.0/12"},
		"an address in everything":                  {four, "0.0.0.0/0", "0.0.0.0/0"},
		"everything of version 4 is not version 6":  {six, "0.0.0.0/0", "0.0.0.0/0,fd00::1/128"},
		"an address of version 6 in a range":        {six, "fd00::/8", "fd00::/8"},
		"an address without its length is no range": {four, "10.96.0.1", "10.96.0.1,10.96.0.1/32"},
		"a star instead of ranges":                  {four, "*", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.entry.merged(test.list)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if again := test.entry.merged(got); again != got {
				t.Errorf("the second time %q became %q", got, again)
			}
		})
	}
}

func TestAMeshIsMetWhereItShowsOrWasNamed(t *testing.T) {
	meta := func(labels, annotations map[string]string) *corev1.Pod {
		pod := &corev1.Pod{}
		pod.Labels, pod.Annotations = labels, annotations
		return pod
	}
	labelled := func(key, value string) *corev1.Pod { return meta(map[string]string{key: value}, nil) }
	annotated := func(key, value string) *corev1.Pod { return meta(nil, map[string]string{key: value}) }
	with := func(container string) *corev1.Pod {
		pod := meta(nil, nil)
		pod.Spec.InitContainers = []corev1.Container{{Name: container}}
		return pod
	}
	host := with("istio-proxy")
	host.Spec.HostNetwork = true
	for name, test := range map[string]struct {
		pod   *corev1.Pod
		named []Mesh
		want  []Mesh
	}{
		"no sign":                           {meta(nil, nil), nil, nil},
		"named by the administrator":        {meta(nil, nil), Meshes(), Meshes()},
		"one of them":                       {meta(nil, nil), []Mesh{Linkerd}, []Mesh{Linkerd}},
		"istio's label":                     {labelled(istioInject, "true"), nil, []Mesh{Istio}},
		"istio's annotation":                {annotated(istioInject, "Yes"), nil, []Mesh{Istio}},
		"istio's revision":                  {labelled(istioRevision, "canary"), nil, []Mesh{Istio}},
		"istio's proxy":                     {with("istio-proxy"), nil, []Mesh{Istio}},
		"istio declined by label":           {labelled(istioInject, "false"), Meshes(), []Mesh{Linkerd}},
		"istio declined by annotation":      {annotated(istioInject, "never"), []Mesh{Istio}, nil},
		"the label counts":                  {meta(map[string]string{istioInject: "false"}, map[string]string{istioInject: "true"}), nil, nil},
		"istio's ambient mode":              {labelled("istio.io/dataplane-mode", "ambient"), nil, nil},
		"linkerd's annotation":              {annotated(linkerdInject, "enabled"), nil, []Mesh{Linkerd}},
		"linkerd as an ingress":             {annotated(linkerdInject, "ingress"), nil, []Mesh{Linkerd}},
		"linkerd's proxy":                   {with("linkerd-proxy"), nil, []Mesh{Linkerd}},
		"linkerd declined":                  {annotated(linkerdInject, "disabled"), Meshes(), []Mesh{Istio}},
		"a word that linkerd does not know": {annotated(linkerdInject, "true"), nil, nil},
		"a pod on the node's network":       {host, Meshes(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCandidate(shop, test.pod, Settings{Meshes: test.named}, nil)
			for _, m := range meshes {
				want := false
				for _, w := range test.want {
					want = want || w == m.mesh
				}
				if got := c.meets(m); got != want {
					t.Errorf("%s: got %t, want %t", m.mesh, got, want)
				}
			}
		})
	}
}

func TestWhatIsLeftOutOfAMesh(t *testing.T) {
	for name, test := range map[string]struct {
		server netip.AddrPort
		want   map[string]string
	}{
		"the API server by version 4": {netip.MustParseAddrPort("10.96.0.1:443"), map[string]string{
			istioInboundPorts: "4041", istioOutboundRanges: "10.96.0.1/32", linkerdInboundPorts: "4041", linkerdOutboundPorts: "443",
		}},
		"the API server by version 6": {netip.MustParseAddrPort("[fd00::1]:6443"), map[string]string{
			istioInboundPorts: "4041", istioOutboundRanges: "fd00::1/128", linkerdInboundPorts: "4041", linkerdOutboundPorts: "6443",
		}},
		"an address of version 4 in one of version 6": {netip.MustParseAddrPort("[::ffff:10.96.0.1]:443"), map[string]string{
			istioInboundPorts: "4041", istioOutboundRanges: "10.96.0.1/32", linkerdInboundPorts: "4041", linkerdOutboundPorts: "443",
		}},
		"no API server that is known": {netip.AddrPort{}, map[string]string{istioInboundPorts: "4041", linkerdInboundPorts: "4041"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := administrator()
			s.Meshes, s.APIServer = Meshes(), test.server
			// The namespace gives the sidecar, so that the pod has no annotations at all.
			pod := examplePod(t, "inject/a-deployment-with-one-annotation")
			pod.Annotations = nil
			d := Decide(Namespace{Name: shop.Name, Policy: Default}, pod, s)
			got := map[string]string{}
			for _, op := range d.Patch {
				if op.Path != "/metadata/annotations" {
					continue
				}
				raw, err := json.Marshal(op.Value)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(raw, &got); err != nil {
					t.Fatal(err)
				}
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
