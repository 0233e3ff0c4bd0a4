package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// Options adjust a conversion; the zero value works.
type Options struct {
	// Namespace is where objects live that name none; "default" if empty.
	Namespace string
	// Queries gives the PromQL of Pods, Object and External metrics. A key is
	// a metric's name, or its name and selector as the conversion writes them,
	// e.g. `queue_length{queue="jobs"}`, which goes first. For a target of
	// type AverageValue, Pods metrics always, the query must yield the total,
	// not the average.
	Queries map[string]string
	// Asked, if set, is told each metric that Queries may have a query of, as
	// the conversion writes it, and the key that gave one, empty if none did.
	Asked func(metric, key string)
	// RateWindow is the range over which cpu usage is averaged, as a
	// Prometheus duration; "2m" if empty.
	RateWindow string
	// PrometheusURL is the server that the controller queries. Triggers that
	// name another one are noted.
	PrometheusURL string
}

// A Note says what a conversion changed.
type Note struct {
	// Object is the converted object, e.g. "HorizontalPodAutoscaler default/web".
	Object string
	// Field is the field of that object, e.g. "spec.metrics[0].resource".
	Field string
	// Message says what was lost or changed, and what to do about it.
	Message string
	// Lossy is true where decisions can differ from the original's.
	Lossy bool
}

// String is the note on one line.
func (n Note) String() string {
	return fmt.Sprintf("%s: %s: %s", n.Object, n.Field, n.Message)
}

const (
	defaultNamespace  = "default"
	defaultRateWindow = "2m"
	// hpaIntervalSeconds is how often an HPA decides.
	hpaIntervalSeconds = 15
)

// A converter collects the notes on one object.
type converter struct {
	object  string
	options Options
	// namespace is where the object lives.
	namespace string
	// target is the name of the object to scale.
	target string
	// podsNoted is set once the matching of pods by name has been noted.
	podsNoted bool
	notes     []Note
}

func newConverter(kind string, meta metav1.ObjectMeta, o Options) *converter {
	if o.Namespace == "" {
		o.Namespace = defaultNamespace
	}
	if o.RateWindow == "" {
		o.RateWindow = defaultRateWindow
	}
	c := &converter{options: o, namespace: meta.Namespace}
	if c.namespace == "" {
		c.namespace = o.Namespace
	}
	c.object = fmt.Sprintf("%s %s/%s", kind, c.namespace, meta.Name)
	return c
}

// changed notes what is expressed in another way, without effect on decisions.
func (c *converter) changed(path *field.Path, format string, args ...any) {
	c.notes = append(c.notes, Note{Object: c.object, Field: path.String(), Message: fmt.Sprintf(format, args...)})
}

// lost notes what was dropped or decides differently.
func (c *converter) lost(path *field.Path, format string, args ...any) {
	c.notes = append(c.notes, Note{Object: c.object, Field: path.String(), Message: fmt.Sprintf(format, args...), Lossy: true})
}

// An Error is one reason why an object cannot be converted.
type Error struct {
	// Object and Field are those of a Note; Field is empty where the reason is
	// no field.
	Object, Field string
	// Err says what is wrong and what is allowed.
	Err error
}

// Error is the reason on one line.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %v", e.Object, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Object, e.Field, e.Err)
}

// Unwrap is what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// invalid is an error about a field of the object.
func (c *converter) invalid(path *field.Path, format string, args ...any) error {
	return &Error{Object: c.object, Field: path.String(), Err: fmt.Errorf(format, args...)}
}

// metadata keeps the name, the namespace and the labels. Annotations in used
// have been converted, others are noted.
func (c *converter) metadata(meta metav1.ObjectMeta, used ...string) metav1.ObjectMeta {
	path := field.NewPath("metadata")
	if annotations := foreign(meta.Annotations, used); len(annotations) > 0 {
		note := c.changed
		if slices.ContainsFunc(annotations, func(key string) bool { return strings.HasPrefix(key, kedaAnnotations) }) {
			note = c.lost
		}
		note(path.Child("annotations"), "not carried over: %s", strings.Join(annotations, ", "))
	}
	if finalizers := slices.DeleteFunc(slices.Clone(meta.Finalizers), func(f string) bool { return f == kedaFinalizer }); len(finalizers) > 0 {
		c.changed(path.Child("finalizers"), "not carried over: %s", strings.Join(finalizers, ", "))
	}
	for i, owner := range meta.OwnerReferences {
		c.lost(path.Child("ownerReferences").Index(i), "%s %s manages this object and would recreate it; convert the %s instead", owner.Kind, owner.Name, owner.Kind)
	}
	return metav1.ObjectMeta{Name: meta.Name, Namespace: meta.Namespace, Labels: maps.Clone(meta.Labels)}
}

// foreign returns the annotations that mean something to somebody, sorted.
func foreign(annotations map[string]string, used []string) []string {
	var keys []string
	for key := range annotations {
		if key != "kubectl.kubernetes.io/last-applied-configuration" && !slices.Contains(used, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// autoscaler is a HorizontalAutoscaler without a spec.
func (c *converter) autoscaler(meta metav1.ObjectMeta) *v1alpha1.HorizontalAutoscaler {
	return &v1alpha1.HorizontalAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HorizontalAutoscaler"},
		ObjectMeta: meta,
	}
}

// check returns the errors that the result would cause where it is used. Their
// fields are the result's.
func (c *converter) check(ha *v1alpha1.HorizontalAutoscaler) error {
	_, violations := policy.CompileAutoscaler(&ha.Spec, field.NewPath("spec"))
	var errs []error
	for _, violation := range violations {
		errs = append(errs, &Error{Object: c.object, Field: violation.Field, Err: fmt.Errorf("the converted HorizontalAutoscaler would be invalid: %s", violation.ErrorBody())})
	}
	return errors.Join(errs...)
}

// or is the value of an optional field.
func or[T any](given *T, absent T) T {
	if given == nil {
		return absent
	}
	return *given
}
