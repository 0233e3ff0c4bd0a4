package fake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRuleCycles(t *testing.T) {
	group := func(name, rules string) string { return "groups:\n- name: " + name + "\n  rules:\n" + rules }
	cases := map[string]struct{ reason, first, second, want string }{
		"Chain":   {"one after the other", group("a", "  - {record: x:a, expr: load}\n"), group("b", "  - {record: x:b, expr: x:a}\n"), ""},
		"Itself":  {"a rule sees its own last result", group("a", "  - {record: x:a, expr: x:a + 1 or vector(0)}\n"), group("b", "  - {record: x:b, expr: x:a}\n"), ""},
		"Alert":   {"an alert's name is no series", group("a", "  - {alert: x:a, expr: x:b > 1}\n"), group("b", "  - {record: x:b, expr: x:a}\n"), ""},
		"Files":   {"between files", group("a", "  - {record: x:a, expr: x:b + 1}\n"), group("b", "  - {record: x:b, expr: x:a + 1}\n"), "first.yaml:4:5: x:a and x:b (second.yaml:4:5) read each other"},
		"Labels":  {"rules of one name that their own labels tell apart", group("a", "  - {record: x:a, expr: 'x:a{zone=\"1\"} or load', labels: {zone: \"1\"}}\n"), group("b", "  - {record: x:a, expr: 'x:a{zone=\"2\"} or load', labels: {zone: \"2\"}}\n"), ""},
		"Three":   {"around a corner", group("a", "  - {record: x:a, expr: x:b}\n  - {record: x:b, expr: sum(x:c)}\n"), group("b", "  - {record: x:c, expr: x:a}\n"), "first.yaml:4:5: x:a and x:b (first.yaml:5:5), x:c (second.yaml:4:5) read each other"},
		"OneFile": {"within a group the order is written down", group("a", "  - {record: x:a, expr: x:b}\n  - {record: x:b, expr: x:a}\n"), group("b", "  - {record: x:c, expr: load}\n"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, text := range map[string]string{"first.yaml": c.first, "second.yaml": c.second} {
				if err := os.WriteFile(filepath.Join(".", file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := NewPrometheus(Options{Lookback: 5 * time.Minute, EvaluationInterval: time.Minute})
			defer p.Close()
			err := p.LoadRules("first.yaml", "second.yaml")
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", c.reason, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
			}
		})
	}
}
