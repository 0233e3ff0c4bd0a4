package convert

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// A moved field is one that another version of an HPA has: where it stands there, a
// regular expression, and what says the same in the version at hand.
type moved struct {
	field *regexp.Regexp
	now   string
}

// olderFields are those that autoscaling/v2 has no more, newerFields those that
// autoscaling/v2beta1 has not yet, and beyondV1 those that autoscaling/v1 has not.
var (
	olderFields = []moved{
		{regexp.MustCompile(`^spec\.targetCPUUtilizationPercentage$`), "of autoscaling/v1; here it is one of metrics: {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: PERCENT}}}"},
		{regexp.MustCompile(`\.targetAverageUtilization$`), "of autoscaling/v2beta1; here it is target: {type: Utilization, averageUtilization: PERCENT}"},
		{regexp.MustCompile(`\.(targetAverageValue|averageValue)$`), "of autoscaling/v2beta1; here it is target: {type: AverageValue, averageValue: QUANTITY}"},
		{regexp.MustCompile(`\.targetValue$`), "of autoscaling/v2beta1; here it is target: {type: Value, value: QUANTITY}"},
		{regexp.MustCompile(`\.metricName$`), "of autoscaling/v2beta1; here it is metric: {name: NAME}"},
		{regexp.MustCompile(`^spec\.metrics\[\d+\]\.\w+\.(selector|metricSelector)$`), "of autoscaling/v2beta1; here it is metric: {selector: SELECTOR}"},
	}
	newerFields = []moved{
		{regexp.MustCompile(`^spec\.behavior$`), "of autoscaling/v2beta2 and v2"},
		{regexp.MustCompile(`^spec\.metrics\[\d+\]\.\w+\.(target|metric|describedObject)(\.|$)`), "of autoscaling/v2beta2 and v2"},
	}
	beyondV1 = []moved{
		{regexp.MustCompile(`^spec\.(metrics|behavior)$`), "of autoscaling/v2; autoscaling/v1 has cpu only"},
	}
)

// inVersion says of a field that a type does not have that another version of it has,
// and what to write.
func inVersion(path string, t reflect.Type) (message string, ok bool) {
	fields, cure := olderFields, "; or write apiVersion: autoscaling/v2beta1"
	switch t {
	case reflect.TypeFor[autoscalingv2.HorizontalPodAutoscaler]():
		if strings.HasPrefix(path, "spec.target") {
			cure = ""
		}
	case reflect.TypeFor[hpaOfV2beta1]():
		fields, cure = newerFields, "; write apiVersion: autoscaling/v2"
	case reflect.TypeFor[autoscalingv1.HorizontalPodAutoscaler]():
		fields, cure = beyondV1, "; write apiVersion: autoscaling/v2"
	default:
		return "", false
	}
	for _, f := range fields {
		if f.field.MatchString(path) {
			return f.now + cure, true
		}
	}
	return "", false
}

// element is the index of a field of a list.
var element = regexp.MustCompile(`\[\d+\]$`)

// fieldsAt are the JSON names of the fields beside one, of which the path is given.
func fieldsAt(t reflect.Type, path string) []string {
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		name := element.ReplaceAllString(step, "")
		next := jsonFields(t)[name]
		if next == nil {
			return nil
		}
		t = next
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
	}
	names := make([]string, 0, len(steps))
	for name := range jsonFields(t) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// jsonFields are the types of a struct's fields by their JSON names; none of others.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return fields
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}
