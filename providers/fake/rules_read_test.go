package fake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrometheusRules has the manifests of Prometheus' operator as rule files.
func TestPrometheusRules(t *testing.T) {
	const head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a, labels: {release: p}}\n"
	tests := map[string]struct{ reason, text, failure string }{
		"Block":  {"as people write it", head + "spec:\n  groups:\n  - name: g\n    rules:\n    - {record: \"x:sum\", expr: sum(x)}\n", ""},
		"Flow":   {"in one line", head + "spec: {groups: [{name: g, rules: [{record: \"x:sum\", expr: sum(x)}]}]}\n", ""},
		"First":  {"spec before kind", "spec:\n  groups:\n  - name: g\n    rules: [{record: \"x:sum\", expr: sum(x)}]\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n", ""},
		"Plain":  {"Prometheus' own form", "groups:\n- name: g\n  rules: [{record: \"x:sum\", expr: sum(x)}]\n", ""},
		"Wrong":  {"a mistake has its place in the file", head + "spec:\n  groups:\n  - name: g\n    rules:\n    - {record: \"x:sum\", expr: sum(}\n", "rules.yaml:8:"},
		"Fields": {"unknown fields are errors", head + "spec:\n  groups:\n  - name: g\n    rulez: []\n", "rulez"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(path, []byte(tc.text), 0o644); err != nil {
				t.Fatal(err)
			}
			p := NewPrometheus(Options{})
			err := p.LoadRules(path)
			if tc.failure != "" {
				if err == nil || !strings.Contains(err.Error(), tc.failure) {
					t.Errorf("%s: got %v, want %s", tc.reason, err, tc.failure)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if names := p.RuleNames(); len(names) != 1 || names[0] != "x:sum" {
				t.Errorf("%s: rules %v", tc.reason, names)
			}
		})
	}
	if err := NewPrometheus(Options{}).LoadRules("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("what never ends: %v", err)
	}
}
