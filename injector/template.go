package injector

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Template is the pod template of a workload, with what matters of the workload
// around it. It is only read.
type Template struct {
	// Kind is the workload's, such as "Deployment".
	Kind string
	// Metadata is the workload's own.
	Metadata metav1.ObjectMeta
	// Path is where the template stands in the workload, such as "spec.template".
	Path string
	// Pods is the template.
	Pods corev1.PodTemplateSpec
	// Selector is what the workload finds its pods by; nil when it has none.
	Selector *metav1.LabelSelector

	// outer is the metadata between the workload's and the template's: a CronJob's
	// jobTemplate has some.
	outer metav1.ObjectMeta
	// object is the workload as it was read, for what depends on its kind.
	object any
}

// The places of a template.
const (
	templatePath     = "spec.template"
	cronTemplatePath = "spec.jobTemplate.spec.template"
	cronOuterPath    = "spec.jobTemplate"
)

// ErrNoTemplate says that an object is none of a kind that has a pod template.
var ErrNoTemplate = errors.New("the object has no pod template")

// ReadTemplate reads the template of a workload from its JSON: a Deployment,
// StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or CronJob. It
// gives ErrNoTemplate for an object of another kind.
func ReadTemplate(object []byte) (*Template, error) {
	var is metav1.TypeMeta
	if err := json.Unmarshal(object, &is); err != nil {
		return nil, fmt.Errorf("read the kind of an object: %w", err)
	}
	read, ok := templates[is.GroupVersionKind()]
	if !ok {
		return nil, ErrNoTemplate
	}
	t, err := read(object)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", is.Kind, err)
	}
	t.Kind = is.Kind
	return t, nil
}

// templates reads each kind that has a template.
var templates = map[schema.GroupVersionKind]func(raw []byte) (*Template, error){
	appsv1.SchemeGroupVersion.WithKind("Deployment"): reader(func(o *appsv1.Deployment) *Template {
		return &Template{Metadata: o.ObjectMeta, Path: templatePath, Pods: o.Spec.Template, Selector: o.Spec.Selector}
	}),
	appsv1.SchemeGroupVersion.WithKind("StatefulSet"): reader(func(o *appsv1.StatefulSet) *Template {
		return &Template{Metadata: o.ObjectMeta, Path: templatePath, Pods: o.Spec.Template, Selector: o.Spec.Selector}
	}),
	appsv1.SchemeGroupVersion.WithKind("DaemonSet"): reader(func(o *appsv1.DaemonSet) *Template {
		return &Template{Metadata: o.ObjectMeta, Path: templatePath, Pods: o.Spec.Template, Selector: o.Spec.Selector}
	}),
	appsv1.SchemeGroupVersion.WithKind("ReplicaSet"): reader(func(o *appsv1.ReplicaSet) *Template {
		return &Template{Metadata: o.ObjectMeta, Path: templatePath, Pods: o.Spec.Template, Selector: o.Spec.Selector}
	}),
	corev1.SchemeGroupVersion.WithKind("ReplicationController"): reader(func(o *corev1.ReplicationController) *Template {
		t := &Template{Metadata: o.ObjectMeta, Path: templatePath, Selector: &metav1.LabelSelector{MatchLabels: o.Spec.Selector}}
		if o.Spec.Template != nil {
			t.Pods = *o.Spec.Template
		}
		return t
	}),
	batchv1.SchemeGroupVersion.WithKind("Job"): reader(func(o *batchv1.Job) *Template {
		return &Template{Metadata: o.ObjectMeta, Path: templatePath, Pods: o.Spec.Template, Selector: o.Spec.Selector}
	}),
	batchv1.SchemeGroupVersion.WithKind("CronJob"): reader(func(o *batchv1.CronJob) *Template {
		job := o.Spec.JobTemplate
		return &Template{Metadata: o.ObjectMeta, outer: job.ObjectMeta, Path: cronTemplatePath, Pods: job.Spec.Template, Selector: job.Spec.Selector}
	}),
}

func reader[T any](template func(*T) *Template) func([]byte) (*Template, error) {
	return func(raw []byte) (*Template, error) {
		object := new(T)
		if err := json.Unmarshal(raw, object); err != nil {
			return nil, err
		}
		t := template(object)
		t.object = object
		return t, nil
	}
}

// unknownSuffix stands for what only the cluster chooses: a revision's hash, or
// the time of a run. No decision depends on which it is.
const unknownSuffix = "0"

// Pod is a pod as the workload's controller would make it, with the name of its
// owner as far as it can be known.
func (t *Template) Pod() *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   t.Metadata.Namespace,
			Labels:      maps.Clone(t.Pods.Labels),
			Annotations: maps.Clone(t.Pods.Annotations),
			Finalizers:  t.Pods.Finalizers,
		},
		Spec: *t.Pods.Spec.DeepCopy(),
	}
	owner := metav1.OwnerReference{Kind: t.Kind, Name: t.name(), Controller: new(true)}
	switch o := t.object.(type) {
	case *appsv1.Deployment:
		owner.Kind, owner.Name = "ReplicaSet", t.name()+"-"+unknownSuffix
		metav1.SetMetaDataLabel(&pod.ObjectMeta, appsv1.DefaultDeploymentUniqueLabelKey, unknownSuffix)
	case *batchv1.CronJob:
		owner.Kind, owner.Name = "Job", t.name()+"-"+unknownSuffix
	case *appsv1.StatefulSet:
		pod.Spec.Volumes = withClaims(pod.Spec.Volumes, o.Spec.VolumeClaimTemplates)
	}
	pod.GenerateName = owner.Name + "-"
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	return pod
}

// Recreated says whether the workload makes new pods only when the old ones have
// ended.
func (t *Template) Recreated() bool {
	d, ok := t.object.(*appsv1.Deployment)
	return ok && d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// name is the workload's, or one that could be generated for it.
func (t *Template) name() string {
	return cmp.Or(t.Metadata.Name, t.Metadata.GenerateName+unknownSuffix)
}

// withClaims is what a StatefulSet makes of the volumes: each claim is one, in
// the place of a volume of its name.
func withClaims(volumes []corev1.Volume, claims []corev1.PersistentVolumeClaim) []corev1.Volume {
	claimed := map[string]bool{}
	var all []corev1.Volume
	for i := range claims {
		claimed[claims[i].Name] = true
		all = append(all, corev1.Volume{Name: claims[i].Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claims[i].Name},
		}})
	}
	for i := range volumes {
		if !claimed[volumes[i].Name] {
			all = append(all, volumes[i])
		}
	}
	return all
}
