package convert

import (
	"fmt"
	"strconv"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// JSON converts one object in its JSON form: a HorizontalPodAutoscaler of
// autoscaling/v1 or v2, or a ScaledObject of keda.sh/v1alpha1. A field that is
// not known is left out and noted.
func JSON(object []byte, o Options) ([]runtime.Object, []Note, error) {
	var meta metav1.PartialObjectMetadata
	if err := json.UnmarshalCaseSensitivePreserveInts(object, &meta); err != nil {
		return nil, nil, fmt.Errorf("cannot be read as an object: %w", err)
	}
	c := newConverter(meta.Kind, meta.ObjectMeta, o)
	switch meta.GroupVersionKind() {
	case autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"):
		return decoded(c, object, func(c *converter, hpa *autoscalingv2.HorizontalPodAutoscaler) ([]runtime.Object, error) {
			return single(c.hpa(hpa))
		})
	case autoscalingv1.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"):
		return decoded(c, object, func(c *converter, hpa *autoscalingv1.HorizontalPodAutoscaler) ([]runtime.Object, error) {
			v2, err := c.upgrade(hpa)
			if err != nil {
				return nil, err
			}
			return single(c.hpa(v2))
		})
	case schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}:
		return decoded(c, object, (*converter).scaledObject)
	}
	return nil, nil, fmt.Errorf("%s: %s cannot be converted; allowed: HorizontalPodAutoscaler of autoscaling/v1 and v2, ScaledObject of keda.sh/v1alpha1", c.object, meta.GroupVersionKind())
}

// decoded decodes an object and converts it.
func decoded[T any](c *converter, object []byte, convert func(*converter, *T) ([]runtime.Object, error)) ([]runtime.Object, []Note, error) {
	var in T
	unknown, err := json.UnmarshalStrict(object, &in)
	if err != nil {
		return nil, nil, &Error{Object: c.object, Err: err}
	}
	for _, u := range unknown {
		c.notes = append(c.notes, unknownField(c.object, u))
	}
	objects, err := convert(c, &in)
	return objects, c.notes, err
}

// unknownField is the note on an error of the strict decoder, whose form is
// `unknown field "spec.x"`.
func unknownField(object string, err error) Note {
	return Note{Object: object, Field: unknownName(err), Message: "not known and not carried over; check its spelling", Lossy: true}
}

func unknownName(err error) string {
	name := strings.TrimPrefix(err.Error(), "unknown field ")
	if unquoted, err := strconv.Unquote(name); err == nil {
		return unquoted
	}
	return name
}

// single is a result of one object.
func single(ha *v1alpha1.HorizontalAutoscaler, err error) ([]runtime.Object, error) {
	if err != nil {
		return nil, err
	}
	return []runtime.Object{ha}, nil
}
