package v1alpha1

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func TestExamplesAreAccepted(t *testing.T) {
	byKind := admissions(t)
	paths, err := filepath.Glob("testdata/v0.1/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 3 {
		t.Fatalf("got %d examples in the form of Karpenter v0.1, want 3", len(paths))
	}
	for _, path := range append(paths, "testdata/full.yaml") {
		for i, object := range read(t, path) {
			a, err := kindOf(byKind, object)
			if err != nil {
				t.Fatalf("%s: document %d: %v", path, i, err)
			}
			for _, err := range a.judge(object) {
				t.Errorf("%s: document %d: %v", path, i, err)
			}
		}
	}
}

// An admissionCase is a base object and a merge patch to it.
type admissionCase struct {
	name, reason, base, patch string
	// want are the errors that a user sees; none: the object is accepted.
	want []string
}

func TestAdmission(t *testing.T) {
	byKind := admissions(t)
	for _, tc := range slices.Concat(autoscalerCases, producerCases, nodeGroupCases) {
		t.Run(tc.name, func(t *testing.T) {
			object := parse(t, tc.base)
			merge(object, parse(t, tc.patch))
			a, err := kindOf(byKind, object)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, lines(a.judge(object))); diff != "" {
				t.Errorf("%s\njudge(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// lines returns the errors as a user sees them, sorted.
func lines(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	slices.Sort(out)
	return out
}

// read returns the documents of a YAML file.
func read(t *testing.T, path string) []map[string]any {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	decoder := yamlreader.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if err == io.EOF {
			return objects
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		objects = append(objects, integers(object).(map[string]any))
	}
}

func parse(t *testing.T, document string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	return integers(object).(map[string]any)
}

// integers turns whole numbers into int64, as an API server decodes JSON.
func integers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = integers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return value
}

// merge applies patch to object as a JSON merge patch: null removes a field.
func merge(object, patch map[string]any) {
	for key, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(object, key)
		case map[string]any:
			inner, ok := object[key].(map[string]any)
			if !ok {
				inner = map[string]any{}
				object[key] = inner
			}
			merge(inner, v)
		default:
			object[key] = v
		}
	}
}

// repeated returns a YAML flow list of n times item.
func repeated(item string, n int) string {
	return fmt.Sprintf("[%s]", strings.TrimSuffix(strings.Repeat(item+",", n), ","))
}
