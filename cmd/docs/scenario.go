package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/karpenter-sim/karpenter/cmd/controller/sink"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/sim"
)

// A schema is the part of JSON Schema that the scenario file's uses.
type schema struct {
	Description string
	Type        jsonTypes
	Enum        []any
	Properties  map[string]*schema
	Items       *schema
	Additional  json.RawMessage `json:"additionalProperties"`
	Then        *schema
}

// jsonTypes are the JSON types that a field may have.
type jsonTypes []string

// UnmarshalJSON implements json.Unmarshaler: one type is no list.
func (t *jsonTypes) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(t))
	}
	*t = jsonTypes{""}
	return json.Unmarshal(text, &(*t)[0])
}

// scenarioFile is the page of every field of the scenario file, made of its JSON Schema,
// which a test holds to the Go types.
func scenarioFile(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, "scenarios", "scenario.schema.json"))
	if err != nil {
		return "", err
	}
	var file schema
	if err := json.Unmarshal(content, &file); err != nil {
		return "", fmt.Errorf("scenario.schema.json: %w", err)
	}
	if file.Then == nil || file.Then.Properties["spec"] == nil {
		return "", fmt.Errorf("scenario.schema.json describes no spec")
	}
	var b strings.Builder
	b.WriteString("# The scenario file, field by field\n\n`apiVersion: simulation.karpenter.sh/v1alpha1`, `kind: Scenario`. What the fields mean\n" +
		"together: [scenarios](../../../scenarios/README.md). Editors complete and check them by\n" +
		"[the JSON Schema](../../../scenarios/scenario.schema.json), from which this page is made.\n")
	spec := file.Then.Properties["spec"]
	b.WriteString("\n## spec\n\n| field | type | meaning |\n|---|---|---|\n")
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(spec.Properties)) {
		field := spec.Properties[name]
		if len(inner(field).Properties) > 0 {
			parts = append(parts, name)
		}
		writeField(&b, "spec."+name, field)
	}
	for _, name := range parts {
		fmt.Fprintf(&b, "\n## spec.%s\n\n| field | type | meaning |\n|---|---|---|\n", name)
		below(&b, "spec."+name, spec.Properties[name])
	}
	return b.String(), nil
}

// inner is the schema of a list's elements or a map's values, else the field's own.
func inner(s *schema) *schema {
	if s.Items != nil {
		return inner(s.Items)
	}
	var values schema
	if json.Unmarshal(s.Additional, &values) == nil && values.Properties != nil {
		return &values
	}
	return s
}

// below writes a row for each field below a path.
func below(b *strings.Builder, path string, s *schema) {
	if s.Items != nil {
		path += "[]"
	} else if in := inner(s); in != s {
		path += ".*"
	}
	fields := inner(s).Properties
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		writeField(b, path+"."+name, fields[name])
		below(b, path+"."+name, fields[name])
	}
}

func writeField(b *strings.Builder, path string, s *schema) {
	kind := strings.Join(s.Type, " or ")
	switch {
	case len(s.Enum) > 0:
		var values []string
		for _, value := range s.Enum {
			values = append(values, fmt.Sprintf("`%v`", value))
		}
		kind = strings.Join(values, ", ")
	case s.Items != nil:
		kind = "list of " + strings.Join(s.Items.Type, " or ")
	case kind == "":
		kind = "any"
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", path, kind, cell(s.Description))
}

// series is the page of all series: those of a simulation, and those that the controller
// exports.
func series(string) (string, error) {
	var b strings.Builder
	b.WriteString("# Series\n\n## Of a simulation\n\nExpectations, policies and rules of a scenario read these, beside what it feeds in and what its\n" +
		"rules record. Names and labels are those that kube-state-metrics, cAdvisor and the controller use.\n\n" + sim.SeriesTable())
	b.WriteString("\n## Of the controller alone\n\nBesides, the controller exports these about itself at `/metrics`. Those of autoscalers,\n" +
		"producers and node groups have the names above.\n\n| series | labels | value |\n|---|---|---|\n")
	var exported described
	if _, err := kubernetes.NewMetrics(&exported); err != nil {
		return "", err
	}
	s, err := sink.New(sink.Options{Registry: &exported})
	if err != nil {
		return "", err
	}
	s.Close()
	known := map[string]bool{}
	for _, row := range sim.DocumentedSeries() {
		for _, name := range row.Names {
			known[name] = true
		}
	}
	slices.Sort(exported)
	for _, text := range exported {
		name, help, labels, err := describe(text)
		if err != nil {
			return "", err
		}
		if !known[name] {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, labels, cell(strings.TrimSuffix(help, ".")))
		}
	}
	return b.String(), nil
}

// described is a Registerer that keeps the descriptions of what is registered.
type described []string

func (d *described) Register(c prometheus.Collector) error {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descriptions)
		close(descriptions)
	}()
	for of := range descriptions {
		*d = append(*d, of.String())
	}
	return nil
}

func (d *described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = d.Register(c)
	}
}

func (d *described) Unregister(prometheus.Collector) bool { return false }

var description = regexp.MustCompile(`^Desc\{fqName: "(\w+)", help: ("(?:[^"\\]|\\.)*"), .*variableLabels: \{([\w,]*)\}\}$`)

// describe reads a description, which only its String tells.
func describe(text string) (name, help, labels string, err error) {
	found := description.FindStringSubmatch(text)
	if found == nil {
		return "", "", "", fmt.Errorf("%s: another form than client_golang had", text)
	}
	if help, err = strconv.Unquote(found[2]); err != nil {
		return "", "", "", fmt.Errorf("%s: %w", text, err)
	}
	if found[3] != "" {
		labels = "`" + strings.ReplaceAll(found[3], ",", "`, `") + "`"
	}
	return found[1], help, labels, nil
}
