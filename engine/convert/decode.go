package convert

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/json"

	"github.com/karpenter-sim/karpenter/engine/convert/keda"
	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// The objects that can be converted.
var (
	hpaV1       = schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}
	hpaV2       = schema.GroupVersionKind{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}
	hpaV2beta1  = schema.GroupVersionKind{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler"}
	hpaV2beta2  = schema.GroupVersionKind{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler"}
	kedaObject  = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
	kedaObject1 = schema.GroupVersionKind{Group: "keda.k8s.io", Version: "v1alpha1", Kind: "ScaledObject"}
)

// allowed names them.
const allowed = "HorizontalPodAutoscaler of autoscaling/v1, v2, v2beta1 and v2beta2, ScaledObject of keda.sh/v1alpha1 and keda.k8s.io/v1alpha1"

// Form is a pointer to what an object of a kind is decoded into, so that its
// types can be checked beforehand; nil for a kind that cannot be converted.
func Form(apiVersion, kind string) any {
	switch schema.FromAPIVersionAndKind(apiVersion, kind) {
	case hpaV1:
		return new(autoscalingv1.HorizontalPodAutoscaler)
	case hpaV2, hpaV2beta2:
		return new(autoscalingv2.HorizontalPodAutoscaler)
	case hpaV2beta1:
		return new(hpaOfV2beta1)
	case kedaObject:
		return new(keda.ScaledObject)
	case kedaObject1:
		return new(keda.OldScaledObject)
	}
	return nil
}

// JSON converts one object in its JSON form: a HorizontalPodAutoscaler of
// autoscaling, or a ScaledObject of keda.sh or keda.k8s.io. A field that is not
// known is left out and noted. The notes are complete even if there is an error,
// which names every reason, each an Error.
func JSON(object []byte, o Options) (*Result, error) {
	var meta metav1.PartialObjectMetadata
	if err := json.UnmarshalCaseSensitivePreserveInts(object, &meta); err != nil {
		return &Result{}, fmt.Errorf("cannot be read as an object: %w", err)
	}
	c := newConverter(meta.Kind, meta.ObjectMeta, o)
	objects, err := c.dispatch(meta.GroupVersionKind(), object)
	if err != nil {
		return &Result{Notes: c.notes}, err
	}
	return &Result{Objects: objects, Notes: c.notes, source: c.sourceOf}, nil
}

func (c *converter) dispatch(kind schema.GroupVersionKind, object []byte) ([]runtime.Object, error) {
	switch kind {
	case hpaV2:
		return decoded(c, object, (*converter).hpa)
	case hpaV2beta2:
		c.changed(field.NewPath("apiVersion"), "read as autoscaling/v2, which has the same fields; no cluster serves autoscaling/v2beta2 since Kubernetes 1.26")
		return decoded(c, object, (*converter).hpa)
	case hpaV2beta1:
		return decoded(c, object, (*converter).hpaOfV2beta1)
	case hpaV1:
		return decoded(c, object, (*converter).hpaOfV1)
	case kedaObject:
		return decoded(c, object, (*converter).scaledObject)
	case kedaObject1:
		return decoded(c, object, (*converter).oldScaledObject)
	}
	if why := withoutCounterpart[kind.Kind]; why != "" {
		return nil, c.unsupported(field.NewPath("kind"), "%s", why)
	}
	if near := suggest.Closest(kind.Kind, []string{hpaV2.Kind, kedaObject.Kind}); near != "" && near != kind.Kind {
		return nil, c.invalid(field.NewPath("kind"), "a %s of %s cannot be converted; did you mean %s?", kind.Kind, kind.GroupVersion(), near)
	}
	return nil, c.invalid(field.NewPath("apiVersion"), "a %s of %s cannot be converted; allowed: %s", kind.Kind, kind.GroupVersion(), allowed)
}

// jobs is why what starts Jobs cannot be converted.
const jobs = "it starts a Job for each piece of work, and sets no replicas: there is no counterpart. Leave it to KEDA and take it out of the files; or have a Deployment of workers do the work, with a ScaledObject that has the same triggers"

// withoutCounterpart says of kinds that scale as well why they cannot be converted, and
// what to do instead.
var withoutCounterpart = map[string]string{
	"ScaledJob":              jobs,
	"HTTPScaledObject":       "KEDA's HTTP add-on counts the requests in an interceptor of its own, also while nothing runs: there is no counterpart. Leave it to KEDA and take it out of the files; or write a ScaledObject with a prometheus trigger on the requests that the ingress counts",
	"WatermarkPodAutoscaler": "Datadog's watermarks have no counterpart. Take it out of the files; or write a HorizontalPodAutoscaler (autoscaling/v2) on the same metric, with spec.behavior.*.tolerance for the watermarks",
}

// decoded decodes an object and converts it.
func decoded[T any](c *converter, object []byte, convert func(*converter, *T) ([]runtime.Object, error)) ([]runtime.Object, error) {
	var in T
	unknown, err := json.UnmarshalStrict(object, &in)
	if err != nil {
		return nil, &Error{Object: c.object, Err: err}
	}
	var errs []error
	for _, u := range unknown {
		errs = append(errs, c.unknownField(unknownName(u), reflect.TypeFor[T]()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return convert(c, &in)
}

// unknownField notes a field that a type does not have. It is an error where another
// version has the field or its name is almost that of another one: what it says would
// be lost, and the default taken instead.
func (c *converter) unknownField(path string, t reflect.Type) error {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if now, ok := inVersion(path, t); ok {
		return &Error{Object: c.object, Field: path, Err: errors.New(now)}
	}
	if near := nearField(name, fieldsAt(t, path)); near != "" {
		return &Error{Object: c.object, Field: path, Err: fmt.Errorf("unknown field; did you mean %q?", near)}
	}
	c.notes = append(c.notes, Note{Object: c.object, Field: path, Message: "not known and not carried over; check its spelling", Lossy: true, Dropped: true})
	return nil
}

// nearField is the field that one was most likely meant to be: of almost its letters,
// or of its beginning, such as minReplicaCount of minReplicas; empty if none is near.
func nearField(name string, known []string) string {
	if near := suggest.Closest(name, known); near != "" {
		return near
	}
	const beginning = 8
	for _, field := range known {
		if len(name) >= beginning && len(field) >= beginning && strings.EqualFold(name[:beginning], field[:beginning]) {
			return field
		}
	}
	return ""
}

// unknownName is the field of an error of the strict decoder, whose form is
// `unknown field "spec.x"`.
func unknownName(err error) string {
	name := strings.TrimPrefix(err.Error(), "unknown field ")
	if unquoted, err := strconv.Unquote(name); err == nil {
		return unquoted
	}
	return name
}
