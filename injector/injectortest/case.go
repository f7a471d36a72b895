// Package injectortest has the golden cases of package injector, for everything
// that has to come to the same result: the injector itself, the command line and
// the webhook behind a real API server.
//
// A case is a file testdata/GROUP/NAME.in.yaml with a pod as it is created, before
// which other objects can stand: a Namespace whose labels count, or what has to be
// in the namespace for the pod to be created, such as a ResourceQuota. Beside it
// stands NAME.out.yaml: comments with the outcome, and unless the pod is refused
// the pod as it is let in.
package injectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// The groups of cases, which are folders.
const (
	// Inject: the pod gets the sidecar.
	Inject = "inject"
	// Again: the pod has the sidecar already.
	Again = "again"
	// Skip: the pod is let in as it is.
	Skip = "skip"
	// Refuse: the pod is refused.
	Refuse = "refuse"
)

// What the administrator has set, in all cases.
const (
	// Namespace is the pods' namespace.
	Namespace = "shop"
	// Image is the sidecar's.
	Image = "registry.example/leaseholder-sidecar:v1.0.0"
	// PullPolicy is the sidecar's.
	PullPolicy = corev1.PullIfNotPresent
	// CloudImage and CloudPullPolicy are those of a sidecar whose lock is outside the
	// cluster.
	CloudImage      = "registry.example/leaseholder-sidecar-cloud:v1.0.0"
	CloudPullPolicy = corev1.PullAlways
)

// Resources are the sidecar's, in all cases.
func Resources() corev1.ResourceRequirements { return resources("10m", "16Mi", "100m", "32Mi") }

// CloudResources are those of a sidecar whose lock is outside the cluster.
func CloudResources() corev1.ResourceRequirements { return resources("20m", "48Mi", "150m", "96Mi") }

func resources(cpuRequest, memoryRequest, cpuLimit, memoryLimit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(cpuRequest),
			corev1.ResourceMemory: resource.MustParse(memoryRequest),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(cpuLimit),
			corev1.ResourceMemory: resource.MustParse(memoryLimit),
		},
	}
}

// APIServer is where pods reach the API server, in all cases.
func APIServer() netip.AddrPort { return netip.MustParseAddrPort("10.96.0.1:443") }

const (
	inSuffix  = ".in.yaml"
	outSuffix = ".out.yaml"
)

// Case is one case.
type Case struct {
	// Group is Inject, Again, Skip or Refuse, and Name tells cases of a group apart.
	Group, Name string
	// NamespaceLabels are those of the pod's namespace.
	NamespaceLabels map[string]string
	// Around are the other objects that stand before the pod, as JSON.
	Around [][]byte
	// Pod is the pod as it is created, as JSON.
	Pod []byte
	// Out is the path of the file with what is expected.
	Out string
}

// String is GROUP/NAME.
func (c Case) String() string { return c.Group + "/" + c.Name }

// Expected gives the comments that a case's Out begins with, each with its end of
// line, and the pod behind them as JSON, nil where it is refused.
func (c Case) Expected() (comments string, pod []byte, err error) {
	raw, err := os.ReadFile(c.Out)
	if err != nil {
		return "", nil, err
	}
	rest := raw
	for bytes.HasPrefix(rest, []byte("#")) {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	comments = string(raw[:len(raw)-len(rest)])
	if len(rest) == 0 {
		return comments, nil, nil
	}
	pod, err = yaml.ToJSON(rest)
	return comments, pod, err
}

// Cases reads all cases below a folder, package injector's testdata. The error
// also tells of files that belong to no case.
func Cases(testdata string) ([]Case, error) {
	inputs, err := filepath.Glob(filepath.Join(testdata, "*", "*"+inSuffix))
	if err != nil {
		return nil, err
	}
	var cases []Case
	known := map[string]bool{}
	for _, in := range inputs {
		c, err := read(in)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", in, err)
		}
		known[in], known[c.Out] = true, true
		cases = append(cases, c)
	}
	var strays []error
	for _, group := range []string{Inject, Again, Skip, Refuse} {
		files, err := filepath.Glob(filepath.Join(testdata, group, "*"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !known[file] {
				strays = append(strays, fmt.Errorf("%s belongs to no case", file))
			}
		}
	}
	return cases, errors.Join(strays...)
}

func read(in string) (Case, error) {
	c := Case{
		Group: filepath.Base(filepath.Dir(in)),
		Name:  strings.TrimSuffix(filepath.Base(in), inSuffix),
		Out:   strings.TrimSuffix(in, inSuffix) + outSuffix,
	}
	err := eachDocument(in, func(raw json.RawMessage, object *metav1.PartialObjectMetadata) error {
		switch {
		case c.Pod != nil:
			return errors.New("the pod must come last")
		case object.Kind == "Namespace":
			c.NamespaceLabels = object.Labels
		case object.Kind == "Pod" || object.Kind == "":
			c.Pod = raw
		default:
			c.Around = append(c.Around, raw)
		}
		return nil
	})
	if err == nil && c.Pod == nil {
		err = errors.New("there is no pod")
	}
	return c, err
}
