package ruletest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written writes files into a directory and returns the path of the first.
func written(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0])
}

// results runs all tests of a file and returns what failed, a line each.
func results(t *testing.T, path string) string {
	t.Helper()
	file, err := load(t, path, "")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range file.Tests {
		failures, err := file.Run(t.Context(), &file.Tests[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range failures {
			lines = append(lines, strings.TrimRight(f.Title+": "+f.Message+strings.Join(f.Got, " | "), " "))
		}
	}
	return strings.Join(lines, "\n")
}

// TestRules has what promtool's own files do not: each expectation is what promtool
// v0.316 gives.
func TestRules(t *testing.T) {
	const chain = `groups:
- {name: second, rules: [{record: b, expr: a + 1}]}
- {name: first, interval: 10m, rules: [{record: a, expr: x}]}
`
	const alerts = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: alerts}
spec:
  groups:
  - name: alerts
    labels: {team: shop}
    rules:
    - alert: Waiting
      expr: waiting > 5
      for: 2m
      keep_firing_for: 3m
      labels: {severity: '{{ if gt $value 8.0 }}page{{ else }}warn{{ end }}'}
      annotations: {text: '{{ $value }} wait in {{ $externalLabels.cluster }}, see {{ $externalURL }}'}
`
	tests := map[string]struct{ reason, rules, file, want string }{
		"GroupInterval": {"a group's own interval is not looked at, and groups keep their order", chain, `
rule_files: [rules.yaml]
tests:
- input_series: [{series: x, values: 1+1x10}]
  promql_expr_test:
  - {expr: a, eval_time: 5m, exp_samples: [{labels: a, value: 6}]}
  - {expr: b, eval_time: 5m, exp_samples: [{labels: b, value: 6}]}
`, ""},
		"Order": {"which group_eval_order changes", chain, `
rule_files: [rules.yaml]
group_eval_order: [first, second]
tests:
- input_series: [{series: x, values: 1+1x10}]
  promql_expr_test:
  - {expr: b, eval_time: 5m, exp_samples: [{labels: b, value: 7}]}
`, ""},
		"Interval": {"rules are evaluated at the evaluation_interval, samples lie an interval apart", chain, `
rule_files: ["rul*.yaml"]
evaluation_interval: 2m
group_eval_order: [first]
tests:
- interval: 30s
  input_series: [{series: x, values: 0+1x20}]
  promql_expr_test:
  - {expr: a, eval_time: 3m, exp_samples: [{labels: a, value: 4}]}
  - {expr: x, eval_time: 3m, exp_samples: [{labels: x, value: 6}]}
  - {expr: 'count_over_time(x[3m:])', eval_time: 4m, exp_samples: [{value: 2}]}
`, ""},
		"Lookback": {"five minutes, whatever the intervals", chain, `
evaluation_interval: 10m
tests:
- interval: 10m
  input_series: [{series: x, values: 1x10}]
  promql_expr_test:
  - {expr: x, eval_time: 14m59s, exp_samples: [{labels: x, value: 1}]}
  - {expr: x, eval_time: 15m, exp_samples: []}
`, ""},
		"Alerts": {"labels of groups, templates, external labels, for and keep_firing_for", alerts, `
rule_files: [rules.yaml]
tests:
- name: an evening
  external_labels: {cluster: eu1}
  external_url: https://prometheus
  input_series: [{series: 'waiting{queue="a"}', values: 6 7 8 0x10}]
  alert_rule_test:
  - {eval_time: 1m, alertname: Waiting}
  - eval_time: 2m30s
    alertname: Waiting
    exp_alerts: [{exp_labels: {queue: a, severity: warn, team: shop}, exp_annotations: {text: '8 wait in eu1, see https://prometheus'}}]
  - eval_time: 5m
    alertname: Waiting
    exp_alerts: [{exp_labels: {queue: a, severity: warn, team: shop}, exp_annotations: {text: '8 wait in eu1, see https://prometheus'}}]
  - {eval_time: 6m, alertname: Waiting}
  promql_expr_test:
  - {expr: 'count(ALERTS{cluster="eu1"})', eval_time: 3m}
`, ""},
		"Failing": {"what was expected, and what came", alerts, `
rule_files: [rules.yaml]
tests:
- input_series: [{series: waiting, values: 9x10}]
  alert_rule_test: [{eval_time: 5m, alertname: Waiting}]
  promql_expr_test: [{expr: 'waiting == 8', eval_time: 1m, exp_samples: [{labels: waiting, value: 8}]}]
`, `alerts of Waiting at 5m: {alertname="Waiting", severity="page", team="shop"} with {text="9 wait in , see "}
waiting == 8 at 1m:`},
		"Twice": {"of a series that is there twice the last counts", chain, `
tests:
- input_series: [{series: 'x{a="1"}', values: 1x5}, {series: 'x{a="1"}', values: 2x5}]
  promql_expr_test: [{expr: sum(x), eval_time: 1m, exp_samples: [{value: 2}]}]
`, ""},
		"SameSample": {"a rule may write the sample that an input series has", chain, `
rule_files: [rules.yaml]
tests:
- input_series: [{series: x, values: 3x5}, {series: a, values: 3x5}]
  promql_expr_test: [{expr: a, eval_time: 3m, exp_samples: [{labels: a, value: 3}]}]
`, ""},
		"OtherSample": {"but no other", chain, `
rule_files: [rules.yaml]
tests:
- input_series: [{series: x, values: 3x5}, {series: a, values: 4x5}]
  promql_expr_test: [{expr: a, eval_time: 3m}]
`, `rule a at 0s: series {__name__="a"}: sample at 1970-01-01T00:00:00Z must be later than the one before at 1970-01-01T00:00:00Z: duplicate sample for timestamp`},
		"NaN": {"NaN equals nothing", chain, `
tests:
- input_series: [{series: x, values: NaN}]
  promql_expr_test: [{expr: x, exp_samples: [{labels: x, value: .nan}]}]
`, `x at 0s: {__name__="x"} NaN | NaN equals nothing, itself neither; compare with expr: (EXPR) != (EXPR)`},
		"Anchors": {"aliases and merge keys", chain, `
tests:
- &base
  input_series: &series [{series: x, values: 1}]
  promql_expr_test: [{expr: x, exp_samples: [{labels: x, value: 1}]}]
- {<<: *base, name: again, input_series: *series}
`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := results(t, written(t, "test.yaml", tc.file, "rules.yaml", tc.rules)); got != tc.want {
				t.Errorf("%s:\n%s\nwant\n%s", tc.reason, got, tc.want)
			}
		})
	}
}

// TestRefused has mistakes with the place that they are told at.
func TestRefused(t *testing.T) {
	tests := map[string]struct{ reason, file, want string }{
		"Field":     {"a misspelt field", "tests:\n- input_serie: []\n  promql_expr_test: []\n", `:2:3: tests[0]: unknown field "input_serie"; did you mean "input_series"?`},
		"Top":       {"at the top", "rule_file: []\nrule_files: []\ntests: []\n", `:1:1: unknown field "rule_file"; did you mean "rule_files"?`},
		"Repeated":  {"a field that is there twice", "rule_files: []\ntests: []\ntests: []\n", `:3:1: the field "tests" is there twice`},
		"Duration":  {"a time without a unit", "tests:\n- promql_expr_test:\n  - {expr: up, eval_time: 5}\n", `:3:27: tests[0].promql_expr_test[0].eval_time: "5" is no duration; want one such as 90s, 5m or 1h30m`},
		"PromQL":    {"an expression with a typo", "tests:\n- promql_expr_test:\n  - {expr: 'sum(up', eval_time: 5m}\n", `:3:12: tests[0].promql_expr_test[0].expr: PromQL, character 7: unclosed left parenthesis`},
		"Matrix":    {"an expression of a wrong type", "tests:\n- promql_expr_test:\n  - {expr: 'up[5m]'}\n", `the expression gives a range vector; want an instant vector or a scalar`},
		"Value":     {"a value in words", "tests:\n- promql_expr_test:\n  - {expr: up, exp_samples: [{value: many}]}\n", `:3:38: tests[0].promql_expr_test[0].exp_samples[0].value: "many": want a number`},
		"Labels":    {"labels without braces", "tests:\n- promql_expr_test:\n  - {expr: up, exp_samples: [{labels: 'job=x', value: 1}]}\n", `"job=x" is no series; want a name with labels`},
		"Histogram": {"a native histogram with a typo", "tests:\n- promql_expr_test:\n  - {expr: up, exp_samples: [{histogram: '{{schema:x}}'}]}\n", `is no native histogram`},
		"Series":    {"values with a typo", "tests:\n- input_series: [{series: up, values: 1xx}]\n", `:2:18: tests[0].input_series[0]: input series "up": values, character 3`},
		"Many":      {"values without end", "tests:\n- input_series: [{series: up, values: 1x99999999999}]\n", `too many values`},
		"Alert":     {"no name", "tests:\n- alert_rule_test: [{eval_time: 1m}]\n", `:2:21: tests[0].alert_rule_test[0].alertname: required: the name of an alerting rule`},
		"Start":     {"a start in words", "tests:\n- {start_timestamp: monday, input_series: []}\n", `:2:21: tests[0].start_timestamp: "monday" is no time; want RFC 3339 or Unix seconds`},
		"Rules":     {"no such file", "rule_files: [no.yaml]\ntests: []\n", `:1:14: rule_files[0]: `},
		"Century":   {"evaluations without end", "evaluation_interval: 1ms\ntests:\n- promql_expr_test: [{expr: up, eval_time: 100y}]\n", `times until 100y, every 1ms; at most`},
		"Twice":     {"an order that names a group twice", "rule_files: []\ngroup_eval_order: [a, a]\ntests: []\n", `:2:23: group_eval_order: the group "a" is named twice`},
		"List":      {"no list", "rule_files: []\ntests: [1]\n", `:2:9: tests[0]: not a mapping; want input_series`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, written(t, "test.yaml", tc.file), "")
			if err == nil || !strings.Contains(err.Error(), "test.yaml"+tc.want) && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v\nwant %s", tc.reason, err, tc.want)
			}
		})
	}
}
