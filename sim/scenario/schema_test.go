package scenario

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

const schemaPath = "../../scenarios/scenario.schema.json"

// TestSchema keeps the schema for editors up to date; UPDATE=1 writes it.
func TestSchema(t *testing.T) {
	want, err := schemaFile(readComments(t))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date; write it with UPDATE=1 go test ./sim/scenario -run TestSchema\n%s", schemaPath, diff)
	}
}

// scenarioSchema is the part of the committed schema that describes a Scenario.
func scenarioSchema(t *testing.T) *validate.SchemaValidator {
	t.Helper()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Then *spec.Schema `json:"then"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return validate.NewSchemaValidator(file.Then, nil, "", strfmt.Default)
}

// misfits is what the schema finds wrong with the Scenario of a text.
func misfits(t *testing.T, schema *validate.SchemaValidator, file, text string) string {
	t.Helper()
	docs, err := manifest.Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err := separate(file, docs)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := doc.Node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	// Numbers as they are in JSON.
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &value); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, err := range schema.Validate(value).Errors {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

// TestSchemaOfCorpus holds every scenario of the corpus to the schema.
func TestSchemaOfCorpus(t *testing.T) {
	schema := scenarioSchema(t)
	paths, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := misfits(t, schema, path, string(text)); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
}

// What the parser refuses for its shape, the schema refuses too, and what the
// parser takes is not underlined.
func TestSchemaAgreesWithParser(t *testing.T) {
	cases := map[string]struct {
		reason   string
		old, new string
		valid    bool
	}{
		"AsItIs":         {"the contract's own example", "seed: 42", "seed: 42", true},
		"UnknownField":   {"unknown fields are errors", "seed: 42", "seed: 42\n  sede: 1", false},
		"NoSeed":         {"the seed is required", "  seed: 42\n", "", false},
		"NoDuration":     {"so is the duration", "  duration: 1h\n", "", false},
		"OtherKind":      {"there is one kind", "kind: Scenario", "kind: Scenarios", false},
		"TextSeed":       {"a seed is a number", "seed: 42", "seed: many", false},
		"Duration":       {"durations are Prometheus'", "duration: 1h", "duration: one hour", false},
		"DurationOrder":  {"larger units first", "duration: 1h", "duration: 5m1h", false},
		"DurationZero":   {"0 needs no unit", "queryOffset: 0s", "queryOffset: 0", true},
		"DurationNumber": {"any other number does", "queryOffset: 0s", "queryOffset: 15", false},
		"Phase":          {"phases are listed", "phase: aligned", "phase: Aligned", false},
		"Format":         {"and so are formats", "format: csv", "format: xlsx", false},
		"Start":          {"a time is RFC 3339", `"2026-01-05T08:00:00Z"`, `"yesterday"`, false},
		"Nested":         {"fields of list items too", "replicas: 5", "replica: 5", false},
		"FixedDelay":     {"a delay is a duration", "workloads: []", "workloads: [{name: api, demand: [{constant: 1}], capacityPerReplica: 1, startup: 30s}]", true},
		"Percentiles":    {"or has percentiles", "workloads: []", "workloads: [{name: api, demand: [{constant: 1}], capacityPerReplica: 1, startup: {p50: 30s, p95: 1m}}]", true},
		"HalfDelay":      {"which go together", "workloads: []", "workloads: [{name: api, demand: [{constant: 1}], capacityPerReplica: 1, startup: {p50: 30s, max: 1m}}]", false},
		"Quantity":       {"quantities may lack a unit", "workloads: []", "workloads: [{name: api, demand: [{constant: 1}], capacityPerReplica: 1, requests: {cpu: 2, memory: 1Gi}}]", true},
		"Fault":          {"faults are listed", "faults: []", "faults: [{at: 1m, metrics: gone}]", false},
		"SetMapping":     {"assignments may be a mapping", "variants: []", "variants: [{name: a, set: {spec.maxReplicas: 9}}]", true},
		"SetText":        {"or one text", "variants: []", "variants: [{name: a, set: spec.maxReplicas=9}]", true},
		"SetNested":      {"but no tree", "variants: []", "variants: [{name: a, set: {spec: {maxReplicas: 9}}}]", false},
	}
	schema := scenarioSchema(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(spike, c.old, c.new, 1)
			if c.old != c.new && text == spike {
				t.Fatalf("%q is not in the example", c.old)
			}
			_, err := ParseText("scenario.yaml", []byte(text))
			if (err == nil) != c.valid {
				t.Errorf("%s: the parser says %v", c.reason, err)
			}
			if found := misfits(t, schema, "scenario.yaml", text); (found == "") != c.valid {
				t.Errorf("%s: the schema says %q", c.reason, found)
			}
		})
	}
}
