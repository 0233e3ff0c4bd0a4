package main

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/reports"
)

// commands returns the page that the program prints about its commands.
func commands(root string) (string, error) {
	call := exec.Command("go", "run", "./cmd/karpenter", "reference")
	call.Dir = root
	var stderr bytes.Buffer
	call.Stderr = &stderr
	out, err := call.Output()
	if err != nil {
		return "", fmt.Errorf("karpenter reference: %w\n%s", err, stderr.String())
	}
	return string(out), nil
}

// figures is the table of what a report measures.
func figures(string) (string, error) {
	var b strings.Builder
	b.WriteString("# Figures\n\nA `report:` expectation takes each by its name. Times are simulated. Of several objects\n" +
		"sums are added, the largest is that of any object, and shares are taken of all objects' time.\n\n" +
		"| name | unit | definition | source |\n|---|---|---|---|\n")
	for _, m := range reports.Metrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Unit, cell(m.Definition), cell(m.Source))
	}
	return b.String(), nil
}

// causes is the table of what a report blames, and what changes each.
func causes(string) (string, error) {
	return "# Causes\n\nA report gives each minute of breach to one of these. How they are told apart:\n" +
		"[how causes are decided](../explanation/causes.md).\n\n" + reports.CausesTable(), nil
}

// kinds is every field of the three kinds, as their CRDs have them.
func kinds(string) (string, error) {
	definitions, err := v1alpha1.CRDs()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# The kinds, field by field\n\nGroup `autoscaling.karpenter.sh`, version `v1alpha1`. `kubectl explain` says the same in a cluster.\n")
	for _, definition := range definitions {
		names := definition.Spec.Names
		fmt.Fprintf(&b, "\n## %s\n\nShort name `%s`.\n\n", names.Kind, strings.Join(names.ShortNames, "`, `"))
		schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
		b.WriteString("| field | type | meaning |\n|---|---|---|\n")
		for _, part := range []string{"spec", "status"} {
			if property, found := schema.Properties[part]; found {
				fields(&b, part, &property)
			}
		}
	}
	return b.String(), nil
}

// fields writes a row for each field below a path.
func fields(b *strings.Builder, path string, schema *apiextensionsv1.JSONSchemaProps) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		at, inner := path+"."+name, &property
		if property.Items != nil {
			inner = property.Items.Schema
			at += "[]"
		}
		note := ""
		if slices.Contains(schema.Required, name) {
			note = "Required. "
		}
		fmt.Fprintf(b, "| `%s` | %s | %s%s |\n", at, typeOf(inner), note, cell(property.Description))
		fields(b, at, inner)
		if values := inner.AdditionalProperties; values != nil && values.Schema != nil {
			fields(b, at+".*", values.Schema)
		}
	}
}

// typeOf is a field's type and what its values are limited to.
func typeOf(schema *apiextensionsv1.JSONSchemaProps) string {
	kind := schema.Type
	if schema.XIntOrString {
		kind = "integer or string"
	}
	if len(schema.Enum) > 0 {
		var values []string
		for _, v := range schema.Enum {
			values = append(values, "`"+strings.Trim(string(v.Raw), `"`)+"`")
		}
		return strings.Join(values, ", ")
	}
	if schema.Minimum != nil && schema.Maximum != nil {
		return fmt.Sprintf("%s, %v to %v", kind, *schema.Minimum, *schema.Maximum)
	}
	if schema.Minimum != nil {
		return fmt.Sprintf("%s, at least %v", kind, *schema.Minimum)
	}
	return kind
}

// cell is text that fits into a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), "|", `\|`)
}
