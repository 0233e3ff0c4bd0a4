package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// TestHostileFields has a file of another kind of thing: what is told of it must
// not grow with it.
func TestHostileFields(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: HorizontalAutoscaler\nmetadata: {name: a}\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	docs, err := Parse("f", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Collect(docs)
	lines := strings.Split(err.Error(), "\n")
	want := []string{"f:4:1: k0: unknown field; allowed: kind, apiVersion, metadata, spec, status", "and 19990 more errors"}
	if diff := cmp.Diff(want, []string{lines[0], lines[len(lines)-1]}); diff != "" || len(lines) != limit.Listed+1 {
		t.Errorf("%d lines (-want +got):\n%s", len(lines), diff)
	}
}

func TestHostileNames(t *testing.T) {
	if got := suggest.Closest(strings.Repeat("x", 1<<20), []string{"spec"}); got != "" {
		t.Errorf("a name of a mebibyte is near to %q", got)
	}
}

func TestBoundsOfManifests(t *testing.T) {
	tests := map[string]struct{ reason, text, want string }{
		"Lines": {"each becomes a node", strings.Repeat("a:\n", limit.ManifestItems+1), "f: about 2000001 keys and list items, more than 2000000; is it a recording? Divide it into several files"},
		"Flow":  {"so does each item of a list", "a: [" + strings.Repeat("1,", limit.ManifestItems) + "]", "f: about 2000002 keys and list items, more than 2000000; is it a recording? Divide it into several files"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(tc.text))
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestBoundsOfAssignments(t *testing.T) {
	tests := map[string]struct{ reason, text, want string }{
		"Deep":  {"each step keeps its path", strings.Repeat("a.", 50_000) + "b=1", `"a": a path of more than 64 steps`},
		"Index": {"an index is a step, too", "a" + strings.Repeat("[0]", 30_000) + "=1", `"a": a path of more than 64 steps`},
		"Name":  {"a name that nobody has", strings.Repeat("a", 100_000) + "=1", `"` + strings.Repeat("a", 60) + `"...: a name of more than 512 bytes`},
		"Long":  {"whatever is in it", strings.Repeat("a=1,", limit.Assignment), "longer than 1048576 bytes; put it into a file of manifests"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseAssignments(tc.text)
			if err == nil {
				t.Fatalf("%s: no error", tc.reason)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}
