package manifest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"
)

// TestDialect compares the reading of YAML with kubectl's.
func TestDialect(t *testing.T) {
	cases := map[string]struct{ reason, text string }{
		"Booleans": {"YAML 1.1 has many words for them", "a: [yes, No, on, OFF, y, n, true, False, 'yes', \"on\", !!str yes, !!bool on]"},
		"Nulls":    {"and some for nothing", "a: [null, ~, Null, 'null', ]\nb:"},
		"Integers": {"octal, hexadecimal, binary, with underscores", "a: [0, -0, 12, +12, 010, 0o10, 0x1F, 0b11, 1_000, 9223372036854775807, 18446744073709551615]"},
		"Floats":   {"with and without digits before the point", "a: [1.5, .5, 1., 1e3, 1E-2, 1.0, 12345678901234567890123]"},
		"Strings":  {"what only looks like a number or a time", "a: [1.2.3, 2026-01-05, 2026-01-05T08:00:00Z, '12', 12:30, 1e999, 0x, -, 5m, <<]"},
		"Blocks":   {"literal and folded text", "a: |\n  x\n  y\nb: >-\n  x\n  y\n"},
		"Keys":     {"keys are strings whatever they look like", "1: a\ntrue: b\n1.5: c\nyes2: d\n'null': e\n"},
		"Aliases":  {"aliases are what they stand for", "a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n&k key: v\nf: {*k : w}\n"},
		"Merge":    {"own keys win, wherever they stand; then earlier merges", "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 0\nw:\n  a: 0\n  <<: *y\n"},
		"Unicode":  {"escapes and text beyond ASCII", "a: \"\\u00e9\\t\\\"\"\nb: é漢😀\n"},
		"Flow":     {"JSON is YAML", "{\"a\": [1, {\"b\": null}], \"c\": 1.50}"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			want, err := sigsyaml.YAMLToJSON([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			docs, err := Parse("f.yaml", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			n, errs := expand("f.yaml", docs[0].Node)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got, err := appendJSON(nil, n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(values(t, want), values(t, got)); diff != "" {
				t.Errorf("%s\n-kubectl +here:\n%s", tc.reason, diff)
			}
		})
	}
}

func values(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

func TestMarshalIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"v": drawValue(t, 3)}
		want, err := json.Marshal(v)
		if err != nil {
			t.Skip("not JSON")
		}
		text, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := Parse("f.yaml", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		n, errs := expand("f.yaml", docs[0].Node)
		if len(errs) > 0 {
			t.Fatalf("%v in\n%s", errs, text)
		}
		got, err := appendJSON(nil, n)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(want, &a) != nil || json.Unmarshal(got, &b) != nil {
			t.Fatalf("not JSON: %s, %s", want, got)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("-want +got:\n%s\n%s", diff, text)
		}
		again, err := Marshal(v)
		if err != nil || string(again) != string(text) {
			t.Fatalf("two texts of one value: %v\n%s\n%s", err, text, again)
		}
	})
}

// drawValue draws a JSON value of at most the given depth, with strings that YAML
// might take for something else.
func drawValue(t *rapid.T, depth int) any {
	tricky := rapid.SampledFrom([]string{"yes", "on", "null", "~", "1", "0x1", "1e3", ".5", "<<", "2026-01-05", "- a", "a: b", "#", "", " ", "\n", "a\nb\n", "\t", "é\u2028", "*a", "&a", "!t", "%", "@", "{", "'", `"`, "\x7f", "0o7", "1_0"})
	text := rapid.OneOf(tricky, rapid.String())
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return text.Draw(t, "text")
	case 1:
		return rapid.Int64().Draw(t, "int")
	case 2:
		return rapid.Float64().Draw(t, "float")
	case 3:
		return rapid.SampledFrom([]any{true, false, nil}).Draw(t, "word")
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawValue(t, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		m[text.Draw(t, "key")] = drawValue(t, depth-1)
	}
	return m
}

func FuzzCollect(f *testing.F) {
	f.Add(web)
	f.Add(hpa + "---\n" + producer + "---\n" + service)
	f.Add("kind: List\napiVersion: v1\nitems: [&a {kind: List, items: [*a]}]\n")
	f.Add(header + "metadata: &m {name: web, labels: {<<: *m}}\nspec: {metrics: [{prometheus: {target: {value: 1e-999999999}}}]}\n")
	f.Add("? [a]\n: b\n# c\n--- !x\n%TAG\n")
	f.Add("{\"a\":\"\\ud83d\"}\n...\n\t- x")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := load(t, text)
		for _, line := range strings.Split(message(err), "\n") {
			if err != nil && strings.TrimSpace(line) == "" {
				t.Errorf("an error without words: %q", message(err))
			}
		}
		for _, e := range set.Autoscalers {
			if _, err := MarshalObject(e.Object); err != nil {
				t.Errorf("an object that was read cannot be written: %v", err)
			}
		}
	})
}
