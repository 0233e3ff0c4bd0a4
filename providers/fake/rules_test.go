package fake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ruled returns a Prometheus with rules, advanced to an instant along its events.
func ruled(t testing.TB, rules string, until time.Duration, specs ...InputSpec) *Prometheus {
	t.Helper()
	p := NewPrometheus(Options{Start: testStart, EvaluationInterval: 30 * time.Second})
	p.Attach(feedOf(t, testStart, 15*time.Second, specs...))
	if err := p.AddRules("rules.yaml", []byte(rules)); err != nil {
		t.Fatal(err)
	}
	for now := p.NextEvent(); now <= at(until); now = p.NextEvent() {
		if err := p.Advance(now); err != nil {
			t.Fatal(err)
		}
		p.EvaluateRules(now)
	}
	if err := p.Advance(at(until)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRecordingRules(t *testing.T) {
	specs := []InputSpec{
		{Series: `x{pod="a"}`, Values: "0+1x20"},
		{Series: `x{pod="b"}`, Values: "5 5 stale"},
	}
	cases := []struct {
		reason, rules, query string
		at                   time.Duration
		want                 map[string]float64
		failures             string
	}{
		{reason: "evaluated at the start and every interval", rules: "groups: [{name: g, rules: [{record: 'y', expr: x * 2}]}]", query: "y", at: 59 * time.Second,
			want: map[string]float64{"a": 4}},
		{reason: "samples of the instant are visible to a rule", rules: "groups: [{name: g, rules: [{record: 'y', expr: x}]}]", query: "y", at: 30 * time.Second,
			want: map[string]float64{"a": 2}},
		{reason: "a vanished series ends at once", rules: "groups: [{name: g, rules: [{record: 'y', expr: x}]}]", query: "count_over_time(y[5m])", at: 30 * time.Second,
			want: map[string]float64{"a": 2, "b": 1}},
		{reason: "later rules see earlier ones of the same instant", rules: "groups: [{name: g, rules: [{record: 'y', expr: x}, {record: z, expr: y + 1}]}]", query: "z", at: 30 * time.Second,
			want: map[string]float64{"a": 3}},
		{reason: "later groups as well", rules: "groups: [{name: g, rules: [{record: 'y', expr: x}]}, {name: h, rules: [{record: z, expr: y + 1}]}]", query: "z", at: 30 * time.Second,
			want: map[string]float64{"a": 3}},
		{reason: "labels of group and rule, the rule's win", rules: "groups: [{name: g, labels: {pod: q, zone: z}, rules: [{record: 'y', expr: sum(x), labels: {pod: w}}]}]", query: `y{zone="z"}`, at: 0,
			want: map[string]float64{"w": 5}},
		{reason: "a group's own interval", rules: "groups: [{name: g, interval: 2m, rules: [{record: 'y', expr: x}]}]", query: "y", at: 119 * time.Second,
			want: map[string]float64{"a": 0, "b": 5}},
		{reason: "an offset moves the query and the sample", rules: "groups: [{name: g, query_offset: 30s, rules: [{record: 'y', expr: x}]}]", query: "timestamp(y) - 1700000040 + y", at: 60 * time.Second,
			want: map[string]float64{"a": 32}},
		{reason: "a scalar is a sample", rules: "groups: [{name: g, rules: [{record: 'y', expr: '7'}]}]", query: "y", at: 0, want: map[string]float64{"": 7}},
		{reason: "too many series: none is written", rules: "groups: [{name: g, limit: 1, rules: [{record: 'y', expr: x}]}]", query: "y", at: 15 * time.Second,
			want: map[string]float64{}, failures: "exceeded limit of 1 with 2 series"},
		{reason: "labels that make series equal", rules: "groups: [{name: g, rules: [{record: 'y', expr: x, labels: {pod: same}}]}]", query: "y", at: 15 * time.Second,
			want: map[string]float64{}, failures: "same labelset after applying rule labels"},
		{reason: "two rules with one output: the first wins", rules: "groups: [{name: g, rules: [{record: 'y', expr: sum(x)}, {record: 'y', expr: sum(x) * 2}]}]", query: "y", at: 0,
			want: map[string]float64{"": 5}, failures: "must be later than the one before"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			p := ruled(t, c.rules, c.at, specs...)
			if diff := cmp.Diff(c.want, valuesByPod(t, p, c.query, at(c.at))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			failures := p.RuleFailures()
			if (len(failures) > 0) != (c.failures != "") || len(failures) > 0 && !strings.Contains(failures[0].Err.Error(), c.failures) {
				t.Errorf("failures: %v", failures)
			}
		})
	}
}

func TestAlertingRules(t *testing.T) {
	rules := `
groups:
- name: g
  rules:
  - alert: High
    expr: x > 3
    for: 1m
    keep_firing_for: 1m
    labels: {severity: page, text: "{{ $labels.pod }} at {{ $value }}"}
`
	spec := InputSpec{Series: `x{pod="a"}`, Values: "0 0 5 5 5 5 5 5 5 5 0x20"}
	cases := []struct {
		reason, query string
		at            time.Duration
		want          map[string]float64
	}{
		{reason: "the condition does not hold", query: "ALERTS", at: 15 * time.Second, want: map[string]float64{}},
		{reason: "it holds, but not for long", query: `ALERTS{alertname="High",alertstate="pending",severity="page",text="a at 5"}`, at: 30 * time.Second, want: map[string]float64{"a": 1}},
		{reason: "it has held long enough", query: "ALERTS{alertstate='firing'}", at: 90 * time.Second, want: map[string]float64{"a": 1}},
		{reason: "the pending series has ended", query: "ALERTS{alertstate='pending'}", at: 90 * time.Second, want: map[string]float64{}},
		{reason: "since when", query: "ALERTS_FOR_STATE - 1700000040", at: 90 * time.Second, want: map[string]float64{"a": 30}},
		{reason: "it fires on for a minute", query: "ALERTS{alertstate='firing'}", at: 180 * time.Second, want: map[string]float64{"a": 1}},
		{reason: "and then ends", query: "ALERTS", at: 211 * time.Second, want: map[string]float64{}},
	}
	for _, c := range cases {
		p := ruled(t, rules, c.at, spec)
		if diff := cmp.Diff(c.want, valuesByPod(t, p, c.query, at(c.at))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}

func TestRuleFileErrors(t *testing.T) {
	cases := []struct{ reason, rules, want string }{
		{"unknown field", "groups:\n- name: g\n  rulez: []\n", "rules.yaml:3: field rulez not found"},
		{"a group twice", "groups:\n- name: g\n  rules: []\n- name: g\n  rules: []\n", "rules.yaml:4:3: groupname: \"g\" is repeated"},
		{"a broken expression", "groups:\n- name: g\n  rules:\n  - record: y\n    expr: sum(\n", `rules.yaml:5:11: group "g", rule 1, "y": could not parse expression`},
		{"an invalid label", "groups:\n- name: g\n  rules:\n  - record: y\n    expr: x\n    labels: {__name__: z}\n", `rules.yaml:4:5: group "g", rule 1, "y": invalid label name`},
		{"not YAML", "groups: [", "rules.yaml:1: "},
		{"a range vector", "groups:\n- name: g\n  rules:\n  - {record: y, expr: 'x[5m]'}\n", `rules.yaml:4:5: group "g", rule 1, "y": the expression gives a range vector`},
	}
	dir := t.TempDir()
	for _, c := range cases {
		file := filepath.Join(dir, "rules.yaml")
		if err := os.WriteFile(file, []byte(c.rules), 0o600); err != nil {
			t.Fatal(err)
		}
		err := NewPrometheus(Options{}).LoadRules(file)
		if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, c.want)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
		}
	}
}
