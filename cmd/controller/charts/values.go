package charts

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// Values returns the chart's defaults with settings of the form PATH=VALUE laid
// over them, checked against the chart's schema. Paths are helm's: fields joined
// by dots, where a dot within a name is written "\.". A value is YAML, unless
// the default is a string.
func Values(settings ...string) (map[string]any, error) {
	content, err := files.ReadFile(path.Join(Name, "values.yaml"))
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(content, &values); err != nil {
		return nil, fmt.Errorf("chart: values.yaml: %w", err)
	}
	for _, setting := range settings {
		if err := set(values, setting); err != nil {
			return nil, fmt.Errorf("setting %q: %w", setting, err)
		}
	}
	return values, check(values)
}

// set lays one setting over the values.
func set(values map[string]any, setting string) error {
	name, text, found := strings.Cut(setting, "=")
	if !found || name == "" {
		return errors.New("want PATH=VALUE, as in journal.retention=168h")
	}
	fields := split(name)
	last := len(fields) - 1
	for i, field := range fields[:last] {
		next, isMap := values[field].(map[string]any)
		if !isMap {
			return fmt.Errorf("there is no %s to set a field of; see values.yaml", strings.Join(fields[:i+1], "."))
		}
		values = next
	}
	if _, isString := values[fields[last]].(string); isString {
		values[fields[last]] = text
		return nil
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return err
	}
	values[fields[last]] = value
	return nil
}

// split divides a path at its unescaped dots.
func split(name string) []string {
	const dot = "\x00"
	fields := strings.Split(strings.ReplaceAll(name, `\.`, dot), ".")
	for i, field := range fields {
		fields[i] = strings.ReplaceAll(field, dot, ".")
	}
	return fields
}

// check validates values against the schema that helm uses, too.
func check(values map[string]any) error {
	content, err := files.ReadFile(path.Join(Name, "values.schema.json"))
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	var schema spec.Schema
	if err := json.Unmarshal(content, &schema); err != nil {
		return fmt.Errorf("chart: values.schema.json: %w", err)
	}
	var lines []string
	for _, err := range validate.NewSchemaValidator(&schema, nil, "", strfmt.Default).Validate(values).Errors {
		lines = append(lines, strings.TrimPrefix(strings.Replace(err.Error(), " in body", "", 1), "."))
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return fmt.Errorf("chart values: %s", strings.Join(lines, "; "))
}
