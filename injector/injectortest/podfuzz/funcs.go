package podfuzz

import (
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// sidecar is the name of the container that is injected.
const sidecar = "leaseholder"

// words are strings that mean something somewhere in a pod.
var words = []string{
	"app", "orders", "a", "x-1", "", "http", "cpu", "memory", "metadata.name", "limits.cpu", "/data", "/var/run", "data/file",
	sidecar, "leaseholder-token", "leaseholder-lock", config.URLVariable, config.Election.Variable(),
	"/var/run/secrets/kubernetes.io/serviceaccount", config.LockCredentialsPath, election, prefix + "role", "leader",
	"sidecar.istio.io/inject", "traffic.sidecar.istio.io/includeInboundPorts", "linkerd.io/inject", "config.linkerd.io/skip-outbound-ports",
	"true", "enabled", corev1.LabelOSStable, "windows", "pod-template-hash", "example.com/a", "a~b/c~1d", "10.0.0.1", "::1", "10Mi", "7",
}

// numbers are ports, seconds, counts, users and modes.
var numbers = []int64{0, 1, 1, 2, 3, 5, 10, 30, 60, 100, 420, 511, 1000, 4040, 4041, 8080, 30000, 65535}

// quantities are those that containers ask for.
var quantities = []string{"0", "1m", "10m", "100m", "0.5", "1", "2", "1024", "16Mi", "32Mi", "1Gi", "64M", "1e3"}

// oddQuantities can be parsed, and hardly more.
var oddQuantities = []string{"-1", "1n", "1e-9", "1e18", "9e99", "9223372036854775807", "0.000000001E", "-0"}

// plain fills what is not a type of the API's own.
func (m *Maker) plain() []any {
	return []any{
		func(s *string, c randfill.Continue) { *s = m.text(c) },
		func(i *int32, c randfill.Continue) { *i = int32(m.number(c)) },
		func(i *int64, c randfill.Continue) { *i = m.number(c) },
		func(q *resource.Quantity, c randfill.Continue) {
			from := quantities
			if m.wild && c.Intn(4) == 0 {
				from = oddQuantities
			}
			*q = resource.MustParse(from[c.Intn(len(from))])
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			*v = intstr.FromInt32(int32(m.number(c)))
			if c.Intn(3) == 0 {
				*v = intstr.FromString(m.text(c))
			}
		},
	}
}

func (m *Maker) text(c randfill.Continue) string {
	if m.wild && c.Intn(5) == 0 {
		return c.String(0)
	}
	if m.wild && c.Bool() || c.Intn(4) == 0 {
		return words[c.Intn(len(words))]
	}
	return label(c)
}

// label is a name that is allowed nearly everywhere.
func label(c randfill.Continue) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	name := make([]byte, 1+c.Intn(5))
	for i := range name {
		name[i] = letters[c.Intn(len(letters))]
	}
	return string(name)
}

func (m *Maker) number(c randfill.Continue) int64 {
	if m.wild && c.Intn(4) == 0 {
		return c.Int63() - c.Int63()
	}
	return numbers[c.Intn(len(numbers))]
}

// structs fills what must be unique, and what can be one thing only.
func (m *Maker) structs() []any {
	return []any{
		func(container *corev1.Container, c randfill.Continue) {
			c.FillNoCustom(container)
			m.name(container, c)
		},
		func(v *corev1.VolumeSource, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.VolumeProjection, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.ProbeHandler, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.LifecycleHandler, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.EnvVarSource, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.EnvFromSource, c randfill.Continue) { m.union(v, c) },
		func(v *corev1.EnvVar, c randfill.Continue) {
			c.FillNoCustom(v)
			if v.ValueFrom != nil && !m.wild {
				v.Value = ""
			}
		},
		// The API server adds what these keys select to the selector, and refuses it when
		// the pod is created again.
		func(v *corev1.TopologySpreadConstraint, c randfill.Continue) {
			c.FillNoCustom(v)
			if !m.wild {
				v.MatchLabelKeys = nil
			}
		},
		func(v *corev1.PodAffinityTerm, c randfill.Continue) {
			c.FillNoCustom(v)
			if !m.wild {
				v.MatchLabelKeys, v.MismatchLabelKeys = nil, nil
			}
		},
		func(v *corev1.ObjectFieldSelector, c randfill.Continue) {
			c.FillNoCustom(v)
			if !m.wild {
				paths := []string{"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "status.podIP"}
				*v = corev1.ObjectFieldSelector{FieldPath: paths[c.Intn(len(paths))]}
			}
		},
		func(o *metav1.OwnerReference, c randfill.Continue) {
			c.FillNoCustom(o)
			kinds := []string{"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicaSet"}
			if !m.wild || c.Bool() {
				*o = metav1.OwnerReference{APIVersion: "apps/v1", Kind: kinds[c.Intn(len(kinds))], Name: "orders-" + label(c), UID: "u", Controller: o.Controller}
			}
		},
	}
}

// name gives a container a name of its own, and what nothing works without.
func (m *Maker) name(container *corev1.Container, c randfill.Continue) {
	if m.wild && c.Intn(4) == 0 {
		return
	}
	m.containers++
	container.Name = fmt.Sprintf("c%d", m.containers)
	if c.Intn(40) == 0 {
		container.Name = sidecar
	}
	container.Image = "image:1"
}

// union fills one field of those of a struct that are pointers, now and then more or none.
func (m *Maker) union(v any, c randfill.Continue) {
	if m.wild && c.Intn(4) == 0 {
		c.FillNoCustom(v)
		return
	}
	var pointers []reflect.Value
	for _, field := range reflect.ValueOf(v).Elem().Fields() {
		if field.Kind() == reflect.Pointer {
			pointers = append(pointers, field)
		}
	}
	field := pointers[c.Intn(len(pointers))]
	field.Set(reflect.New(field.Type().Elem()))
	c.Fill(field.Interface())
}
