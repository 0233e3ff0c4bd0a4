package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A Conversion holds what became of an object of another autoscaler.
type Conversion struct {
	// Object is the object, e.g. "shop/scaledobject/web".
	Object string
	// Made are the objects that it was converted to; none if it is left out.
	Made []runtime.Object
	// Notes say what was changed or lost.
	Notes []convert.Note
	// Owner is the ScaledObject of the set that stands for it, an HPA of KEDA's
	// own; such an HPA is left out without a loss.
	Owner string
	// Err says why it is left out, as manifest.Errors; nil unless something is
	// missing without it.
	Err error
}

// Adopt converts the objects of other autoscalers in a set, one by one, and adds
// what they are converted to. One that cannot be converted is left out.
func Adopt(set *manifest.Set, o convert.Options) []Conversion {
	a := adoption{set: set, options: o, names: map[string]string{}}
	a.readNames()
	var all []Conversion
	for i := range set.Foreign {
		all = append(all, a.adopt(&set.Foreign[i]))
	}
	set.Foreign = nil
	return all
}

// LeftOut joins the reasons why objects are left out; nil if none is missing.
func LeftOut(conversions []Conversion) error {
	var errs []error
	for i := range conversions {
		errs = append(errs, conversions[i].Err)
	}
	return manifest.Join(errs...)
}

// Notes are the notes of all conversions, and why objects are left out.
func Notes(conversions []Conversion) []convert.Note {
	var notes []convert.Note
	for i := range conversions {
		c := &conversions[i]
		if c.Err == nil && c.Owner == "" {
			notes = append(notes, c.Notes...)
			continue
		}
		var errs manifest.Errors
		errors.As(c.Err, &errs)
		for _, e := range errs {
			notes = append(notes, convert.Note{
				Object: c.Object, Field: e.Field, Lossy: true, Dropped: true,
				Message: "left out: " + strings.TrimPrefix(e.Message, c.Object+": "),
			})
		}
	}
	return notes
}

type adoption struct {
	set     *manifest.Set
	options convert.Options
	// names say of the objects to convert, and of those that they were converted to,
	// where they come from.
	names map[string]string
}

// readNames takes the names of what is converted.
func (a *adoption) readNames() {
	for i := range a.set.Foreign {
		a.names[objectOf(&a.set.Foreign[i])] = "at " + a.set.Foreign[i].Doc.Position().String()
	}
}

// notation is an object in the notation of the command line.
func notation(o metav1.Object, kind string) string {
	return o.GetNamespace() + "/" + strings.ToLower(kind) + "/" + o.GetName()
}

// objectOf is a foreign object in the notation of the command line.
func objectOf(f *manifest.Foreign) string {
	return f.Namespace + "/" + strings.ToLower(f.Kind) + "/" + f.Name
}

func (a *adoption) adopt(f *manifest.Foreign) Conversion {
	c := Conversion{Object: objectOf(f)}
	result, err := a.convert(f, &c)
	var reason *convert.Error
	if errors.As(err, &reason) && reason.Owner != "" {
		if owner := f.Namespace + "/scaledobject/" + reason.Owner; a.names[owner] != "" {
			c.Owner = owner
			return c
		}
	}
	if err == nil {
		err = a.add(f, result, &c)
	}
	if err != nil {
		c.Err = c.about(f.Doc, err)
	}
	return c
}

// convert converts an object of which the types are right.
func (a *adoption) convert(f *manifest.Foreign, c *Conversion) (*convert.Result, error) {
	if form := convert.Form(f.APIVersion, f.Kind); form != nil {
		if err := f.Doc.CheckTypes(form); err != nil {
			return nil, err
		}
	}
	o := a.options
	o.Namespace = f.Namespace
	if o.Parse == nil {
		o.Parse = QueryParser()
	}
	result, err := convert.JSON(f.JSON, o)
	c.Notes = slices.Concat(anchors(f, c.Object), unquoted(f, c.Object), result.Notes)
	if err != nil {
		return nil, err
	}
	return result, checkConverted(result, o.Parse)
}

// anchors notes the keys that are no fields.
func anchors(f *manifest.Foreign, object string) []convert.Note {
	var notes []convert.Note
	for _, key := range f.Anchors {
		notes = append(notes, convert.Note{Object: object, Field: key, Message: "no field, but a place for YAML's anchors, so nothing is lost; a cluster may refuse it"})
	}
	return notes
}

// unquoted notes what a cluster would not take for a string.
func unquoted(f *manifest.Foreign, object string) []convert.Note {
	if len(f.Unquoted) == 0 {
		return nil
	}
	note := convert.Note{Object: object, Field: f.Unquoted[0], Message: "read as a string; a cluster refuses it without quotes"}
	if more := f.Unquoted[1:]; len(more) > 0 {
		note.Message += ", and also " + strings.Join(more, ", ")
	}
	return []convert.Note{note}
}

// checkConverted finds what is wrong with the queries of a result, where they come
// from.
func checkConverted(result *convert.Result, parse func(query string) (scalar bool, err error)) error {
	var errs []error
	for _, object := range result.Objects {
		ha, ok := object.(*v1alpha1.HorizontalAutoscaler)
		if !ok {
			continue
		}
		for i := range ha.Spec.Metrics {
			if _, err := parse(ha.Spec.Metrics[i].Prometheus.Query); err != nil {
				field := fmt.Sprintf("spec.metrics[%d].prometheus.query", i)
				errs = append(errs, &convert.Error{Field: result.Source(object, field), Err: err})
			}
		}
	}
	return errors.Join(errs...)
}

// add adds the objects of a result to the set, unless another conversion has made
// one of the same name.
func (a *adoption) add(f *manifest.Foreign, result *convert.Result, c *Conversion) error {
	for _, object := range result.Objects {
		meta := object.(metav1.Object)
		meta.SetNamespace(f.Namespace)
		name := notation(meta, object.GetObjectKind().GroupVersionKind().Kind)
		if first := a.names[name]; first != "" {
			return &convert.Error{Field: "metadata.name", Err: fmt.Errorf("it would become %s, which is there already, %s: rename one of them", name, first)}
		}
	}
	for _, object := range result.Objects {
		meta := object.(metav1.Object)
		doc := f.Doc.Converted(func(field string) string { return result.Source(object, field) })
		a.names[notation(meta, object.GetObjectKind().GroupVersionKind().Kind)] = "made of " + c.Object + " at " + f.Doc.Position().String()
		switch object := object.(type) {
		case *v1alpha1.HorizontalAutoscaler:
			a.set.Autoscalers = append(a.set.Autoscalers, manifest.Autoscaler{Object: object, Doc: doc})
		case *v1alpha1.MetricsProducer:
			a.set.Producers = append(a.set.Producers, manifest.Producer{Object: object, Doc: doc})
		}
	}
	c.Made = result.Objects
	return nil
}

// about gives the reasons why an object is left out the object's name, and their
// places in its text.
func (c *Conversion) about(d *manifest.Document, err error) error {
	return manifest.Join(c.placed(d, err)...)
}

func (c *Conversion) placed(d *manifest.Document, err error) []error {
	var positioned manifest.Errors
	if errors.As(err, &positioned) {
		var list []error
		for _, e := range positioned {
			list = append(list, &manifest.Error{Position: e.Position, Field: e.Field, Message: c.Object + ": " + e.Message})
		}
		return list
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, e := range joined.Unwrap() {
			list = append(list, c.placed(d, e)...)
		}
		return list
	}
	var reason *convert.Error
	if errors.As(err, &reason) && reason.Field != "" {
		return []error{d.Errorf(reason.Field, "%s: %v", c.Object, reason.Err)}
	}
	if reason != nil {
		err = reason.Err
	}
	return []error{d.Errorf("", "%s: %v", c.Object, err)}
}
