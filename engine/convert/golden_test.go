package convert

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files; review every line that changes")

// options of the golden files.
var options = Options{
	PrometheusURL: "http://prometheus:9090",
	AllowLoss:     true,
	Queries: map[string]string{
		"mapped_metric":              `max(busy_ratio)`,
		`queue_length{queue="jobs"}`: `sum(jobs_waiting)`,
	},
}

// TestGolden converts every testdata/X.yaml and compares objects and notes with X.golden.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(inputs) == 0 {
		t.Fatal("there are no golden files")
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(input, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			result, err := JSON(readJSON(t, input), options)
			if err != nil {
				t.Fatal(err)
			}
			got := golden(t, result)
			if *update {
				if err := os.WriteFile(name+".golden", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", input, diff)
			}
		})
	}
}

func readJSON(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	object, err := yaml.YAMLToJSON(content)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return object
}

// golden is the notes as comments, then the objects as manifests.
func golden(t *testing.T, result *Result) string {
	t.Helper()
	var b bytes.Buffer
	for _, note := range result.Notes {
		kind := "changed"
		switch {
		case note.Dropped:
			kind = "dropped"
		case note.Lossy:
			kind = "lossy"
		}
		b.WriteString("# " + kind + ": " + note.String() + "\n")
	}
	for _, object := range result.Objects {
		b.WriteString("---\n")
		b.Write(manifest(t, object))
	}
	return b.String()
}

// manifest is an object without what only a server writes.
func manifest(t *testing.T, object runtime.Object) []byte {
	t.Helper()
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(content, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	delete(fields["metadata"].(map[string]any), "creationTimestamp")
	out, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
