package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestLocate(t *testing.T) {
	text := header + `metadata:
  name: web
  labels: {a.b/c: x}
spec:
  metrics:
  - prometheus:
      query: >-
        up
      target: {type: Value}
  - &second
    prometheus: {query: down}
  - *second
  behavior: &b
    scaleUp:
      policies: []
`
	set, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	doc := set.Autoscalers[0].Doc
	cases := map[string]struct{ reason, path, want string }{
		"Root":         {"the document itself", "", "f.yaml:1:1"},
		"Scalar":       {"a scalar's value on the line of its key", "metadata.name", "f.yaml:4:9"},
		"Mapping":      {"the key of a mapping that starts on the next line", "spec", "f.yaml:6:1"},
		"Flow":         {"a mapping on the line of its key", "spec.metrics[0].prometheus.target", "f.yaml:11:15"},
		"InFlow":       {"inside it", "spec.metrics[0].prometheus.target.type", "f.yaml:11:22"},
		"Folded":       {"folded text starts at its mark", "spec.metrics[0].prometheus.query", "f.yaml:9:14"},
		"Element":      {"an element behind its dash", "spec.metrics[0]", "f.yaml:8:5"},
		"Alias":        {"an alias leads to where the text is", "spec.metrics[2].prometheus.query", "f.yaml:13:25"},
		"Absent":       {"an absent field at its nearest ancestor", "spec.metrics[0].prometheus.target.value", "f.yaml:11:15"},
		"AbsentMore":   {"however far that is; an anchor is part of the value", "spec.behavior.scaleDown.policies[3].type", "f.yaml:15:13"},
		"PastTheEnd":   {"an index past the end at the list", "spec.metrics[7].prometheus", "f.yaml:7:3"},
		"Key":          {"a key in brackets may hold dots", "metadata.labels[a.b/c]", "f.yaml:5:19"},
		"IntoScalar":   {"a path that goes on below a scalar ends there", "metadata.name.first", "f.yaml:4:9"},
		"Nonsense":     {"an odd path does no harm", "spec.metrics[", "f.yaml:7:3"},
		"NoListIndex":  {"a name is no index", "spec.metrics.0", "f.yaml:7:3"},
		"FieldPath":    {"field.Path's own notation", field.NewPath("spec", "metrics").Index(1).Child("prometheus", "query").String(), "f.yaml:13:25"},
		"FieldPathKey": {"and for keys", field.NewPath("metadata", "labels").Key("a.b/c").String(), "f.yaml:5:19"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, doc.Locate(tc.path).String()); diff != "" {
				t.Errorf("%s: %s\n-want +got:\n%s", tc.path, tc.reason, diff)
			}
		})
	}
	if !doc.Has("spec.metrics[0].prometheus") || doc.Has("spec.maxReplicas") || doc.Has("metadata.name.x") {
		t.Error("Has tells what is written")
	}
}

func TestPositioned(t *testing.T) {
	set, err := load(t, web)
	if err != nil {
		t.Fatal(err)
	}
	spec := field.NewPath("spec")
	list := field.ErrorList{
		field.Required(spec.Child("behavior", "scaleUp"), ""),
		field.Invalid(spec.Child("maxReplicas"), 10, "must be at least\nminReplicas"),
		field.Invalid(nil, "x", "wrong altogether"),
	}
	want := `f.yaml:1:1: Invalid value: "x": wrong altogether
f.yaml:8:16: spec.maxReplicas: Invalid value: 10: must be at least minReplicas
f.yaml:13:3: spec.behavior.scaleUp: Required value`
	if diff := cmp.Diff(want, message(Positioned(set.Autoscalers[0].Doc, list))); diff != "" {
		t.Errorf("findings get places, sorted, one line each\n-want +got:\n%s", diff)
	}
	if err := Positioned(set.Autoscalers[0].Doc, nil); err != nil {
		t.Errorf("no findings are no error, got %v", err)
	}
}

func TestErrorsAreCapped(t *testing.T) {
	var errs []error
	for i := range 25 {
		errs = append(errs, &Error{Position: Position{File: "f", Line: 25 - i, Column: 1}, Message: "wrong"})
	}
	err := Join(append(errs, nil, errs[3], fmt.Errorf("elsewhere: %w", errs[4]))...)
	lines := strings.Split(err.Error(), "\n")
	want := []string{"f:1:1: wrong", "f:10:1: wrong", "and 15 more errors"}
	if diff := cmp.Diff(want, []string{lines[0], lines[len(lines)-2], lines[len(lines)-1]}); diff != "" {
		t.Errorf("10 errors are shown, sorted, the others counted, repetitions left out\n-want +got:\n%s", diff)
	}
	var one *Error
	if !errors.As(err, &one) || one.Position.Line != 1 {
		t.Error("single errors can be reached with errors.As")
	}
	if Join(nil, nil) != nil {
		t.Error("no errors are nil")
	}
	if diff := cmp.Diff("plain", Join(errors.New("plain")).Error()); diff != "" {
		t.Errorf("an error without position keeps its words\n%s", diff)
	}
}

func TestOverride(t *testing.T) {
	base, err := load(t, web+"---\n"+strings.ReplaceAll(web, "name: web", "name: api")+"---\n"+group+"---\n"+producer)
	if err != nil {
		t.Fatal(err)
	}
	variant, err := load(t, strings.Replace(web, "  name: web\n", "  name: web-fast\n", 1)+"---\n"+strings.Replace(group, "3", "5", 1)+"---\n"+strings.Replace(group, "name: nodes", "name: more", 1))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	out := base.Override(variant)
	for _, e := range out.Autoscalers {
		got = append(got, e.Object.Name)
	}
	for _, e := range out.NodeGroups {
		got = append(got, e.Object.Name)
	}
	for _, e := range out.Producers {
		got = append(got, e.Object.Name)
	}
	if diff := cmp.Diff([]string{"api", "web-fast", "nodes", "more", "jobs"}, got); diff != "" {
		t.Errorf("objects of the same name or target give way, the others stay\n-want +got:\n%s", diff)
	}
	if *out.NodeGroups[0].Object.Spec.Replicas != 5 || len(base.Autoscalers) != 2 || len(base.NodeGroups) != 1 {
		t.Error("the variant's object counts, and the base stays as it was")
	}
}
