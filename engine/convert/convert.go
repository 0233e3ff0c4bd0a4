package convert

import (
	"errors"
	"fmt"
	"k8s.io/apimachinery/pkg/api/resource"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// Options adjust a conversion; the zero value works.
type Options struct {
	// Namespace is where objects live that name none; "default" if empty.
	Namespace string
	// Queries gives the PromQL of metrics and triggers. A key is a metric's name
	// ("cpu" of a resource), or its name and selector as the conversion writes
	// them, e.g. `queue_length{queue="jobs"}`, which goes first; or a trigger's
	// name, its index or its type, in this order. A key behind the name of the
	// object, "invoicer/lag", or its namespace and name goes before all others.
	// For a target of type AverageValue the query must yield the total, not the
	// average.
	Queries map[string]string
	// Asked, if set, is told each signal that Queries may have a query of.
	Asked func(Asked)
	// AdapterRules, if set, make the queries of the metrics of HPAs that Queries and
	// annotations have none of; Ruled, if set, is told each, by its key in Queries.
	AdapterRules *AdapterRules
	Ruled        func(key, query string)
	// RateWindow is the range over which cpu usage is averaged, as a
	// Prometheus duration; "2m" if empty.
	RateWindow string
	// Tolerance and DownscaleStabilizationSeconds are the flags of Kubernetes' own
	// controller that HPAs were decided by: --horizontal-pod-autoscaler-tolerance,
	// 0.1 if nil, and --horizontal-pod-autoscaler-downscale-stabilization, 300 if nil.
	Tolerance                     *resource.Quantity
	DownscaleStabilizationSeconds *int32
	// PrometheusURL is the server that the controller queries. Triggers that
	// name another one are noted.
	PrometheusURL string
	// Parse, if set, reads PromQL and tells whether it yields a scalar, which is
	// never empty. Without it, every query is taken for a valid one of a vector.
	Parse func(query string) (scalar bool, err error)
	// AllowLoss converts an object without those of its triggers and metrics
	// that cannot be converted, if any are left; without it, the object is
	// refused.
	AllowLoss bool
}

// A Note says what a conversion changed.
type Note struct {
	// Object is the object of the original, e.g. "default/horizontalpodautoscaler/web".
	Object string
	// Field is the field of that object, e.g. "spec.metrics[0].resource".
	Field string
	// Message says what was lost or changed, and what to do about it.
	Message string
	// Lossy is true where decisions can differ from the original's.
	Lossy bool
	// Dropped is true where something that the original has is left away, so
	// that decisions differ whenever it would have mattered. It implies Lossy.
	Dropped bool
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

// A scaleTarget is the object to scale.
type scaleTarget struct{ kind, name string }

// A converter collects the notes on one object.
type converter struct {
	object  string
	options Options
	// namespace is where the object lives, name what it is called there.
	namespace, name string
	// target is the object to scale.
	target scaleTarget
	// annotations may hold the queries of metrics.
	annotations map[string]string
	// podsNoted is set once the matching of pods by name has been noted.
	podsNoted bool
	notes     []Note
	origins   []origin
	// written is the field of the text for a field of the version that is
	// converted, where the text has an older one; nil if it has not.
	written func(field string) string
}

func newConverter(kind string, meta metav1.ObjectMeta, o Options) *converter {
	if o.Namespace == "" {
		o.Namespace = defaultNamespace
	}
	if o.RateWindow == "" {
		o.RateWindow = defaultRateWindow
	}
	c := &converter{options: o, namespace: meta.Namespace, name: meta.Name}
	if c.namespace == "" {
		c.namespace = o.Namespace
	}
	c.object = fmt.Sprintf("%s/%s/%s", c.namespace, strings.ToLower(kind), meta.Name)
	return c
}

// changed notes what is expressed in another way, without effect on decisions.
func (c *converter) changed(path *field.Path, format string, args ...any) {
	c.note(Note{Message: fmt.Sprintf(format, args...)}, path)
}

// lost notes what decides differently.
func (c *converter) lost(path *field.Path, format string, args ...any) {
	c.note(Note{Message: fmt.Sprintf(format, args...), Lossy: true}, path)
}

// dropped notes what the result does not have.
func (c *converter) dropped(path *field.Path, format string, args ...any) {
	c.note(Note{Message: fmt.Sprintf(format, args...), Lossy: true, Dropped: true}, path)
}

func (c *converter) note(n Note, path *field.Path) {
	n.Object, n.Field = c.object, c.fieldOf(path)
	c.notes = append(c.notes, n)
}

// An Error is one reason why an object cannot be converted.
type Error struct {
	// Object and Field are those of a Note; Field is empty where the reason is
	// no field.
	Object, Field string
	// Owner is the name of the ScaledObject that has made the object, a
	// HorizontalPodAutoscaler, and is what has to be converted; else it is empty.
	Owner string
	// Err says what is wrong, what is allowed and what to do about it.
	Err error
}

// Error is the reason on one line.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %v", e.Object, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Object, e.Field, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// invalid is an error about a field of the object.
func (c *converter) invalid(path *field.Path, format string, args ...any) error {
	return &Error{Object: c.object, Field: c.fieldOf(path), Err: fmt.Errorf(format, args...)}
}

// parse reads a query that a field of the original has.
func (c *converter) parse(query string, path *field.Path) (scalar bool, err error) {
	if c.options.Parse == nil {
		return false, nil
	}
	if scalar, err = c.options.Parse(query); err != nil {
		return false, c.invalid(path, "%w", err)
	}
	return scalar, nil
}

// owned is the error of an HPA that a ScaledObject has made, nil for others.
func (c *converter) owned(meta metav1.ObjectMeta) error {
	path := field.NewPath("metadata")
	for i, owner := range meta.OwnerReferences {
		if owner.Kind == "ScaledObject" {
			return &Error{Object: c.object, Field: c.fieldOf(path.Child("ownerReferences").Index(i)), Owner: owner.Name,
				Err: fmt.Errorf("KEDA has made this HPA of scaledobject/%s: convert that one", owner.Name)}
		}
	}
	if name := meta.Labels[scaledObjectLabel]; name != "" {
		return &Error{Object: c.object, Field: c.fieldOf(path.Child("labels").Key(scaledObjectLabel)), Owner: name,
			Err: fmt.Errorf("KEDA has made this HPA of scaledobject/%s: convert that one", name)}
	}
	return nil
}

// metadata keeps the name, the namespace and the labels. Annotations in used
// have been converted, others are noted.
func (c *converter) metadata(meta metav1.ObjectMeta, used ...string) metav1.ObjectMeta {
	path := field.NewPath("metadata")
	if annotations := foreign(meta.Annotations, used); len(annotations) > 0 {
		note := c.changed
		if slices.ContainsFunc(annotations, func(key string) bool { return strings.HasPrefix(key, kedaAnnotations) }) {
			note = c.dropped
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

// check returns the errors that the results would cause where they are used, at
// the fields that they come from.
func (c *converter) check(objects []runtime.Object) error {
	var errs []error
	for _, object := range objects {
		var violations field.ErrorList
		switch object := object.(type) {
		case *v1alpha1.HorizontalAutoscaler:
			_, violations = policy.CompileAutoscaler(&object.Spec, field.NewPath("spec"))
		case *v1alpha1.MetricsProducer:
			_, violations = policy.CompileProducer(&object.Spec, field.NewPath("spec"))
		}
		for _, v := range violations {
			if ha, ok := object.(*v1alpha1.HorizontalAutoscaler); ok && v.Field == "spec.metrics" && len(ha.Spec.Metrics) == 0 {
				continue // why there are none has been said
			}
			errs = append(errs, &Error{Object: c.object, Field: c.sourceOf(object, v.Field), Err: errors.New(v.ErrorBody())})
		}
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
