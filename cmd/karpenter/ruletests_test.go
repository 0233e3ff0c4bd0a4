package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	testedRules = "groups: [{name: g, rules: [{record: 'orders:waiting', expr: sum(orders_waiting)}]}]\n"
	rulesTests  = `rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- name: counts
  interval: 1m
  input_series: [{series: orders_waiting, values: 0+10x30}]
  promql_expr_test: [{expr: 'orders:waiting', eval_time: 10m, exp_samples: [{labels: 'orders:waiting', value: 100}]}]
- name: counts wrongly
  input_series: [{series: orders_waiting, values: 0+10x30}]
  promql_expr_test:
  - {expr: 'orders:waiting', eval_time: 10m, exp_samples: [{labels: 'orders:waiting', value: 99}]}
`
)

// ruleTestDir has a file of rules with two tests, of which the second fails.
func ruleTestDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.yaml": testedRules, "unittest.yaml": rulesTests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSimulateRuleTests runs promtool's unit test files as they are: each test is a line
// of the table and a case in JUnit, and a failure decides the exit code.
func TestSimulateRuleTests(t *testing.T) {
	t.Chdir(ruleTestDir(t))
	got := call(t, "", "simulate", "unittest.yaml", "--check-determinism", "--out", "out")
	got.want(t, exitFailed, "report: "+filepath.Join("out", "index.html"))
	want := `RULE TESTS     RESULT  TEST
unittest.yaml  ok      counts
               FAILED  counts wrongly

unittest.yaml:11: counts wrongly: orders:waiting at 10m
    expected {__name__="orders:waiting"} 99
    got      {__name__="orders:waiting"} 100
`
	if got.stdout != want {
		t.Errorf("stdout:\n%s\nwant\n%s", got.stdout, want)
	}
	var suites struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Line    int    `xml:"line,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	text, err := os.ReadFile(filepath.Join("out", "junit.xml"))
	if err != nil || xml.Unmarshal(text, &suites) != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(suites.Suites) != 1 || suites.Failures != 1 || len(suites.Suites[0].Cases) != 2 || suites.Suites[0].Cases[1].Line != 11 ||
		suites.Suites[0].Cases[1].Failure == nil || suites.Suites[0].Cases[0].Failure != nil {
		t.Errorf("JUnit: %s", text)
	}
	for _, page := range []string{"index.html", "summary.md"} {
		text, err := os.ReadFile(filepath.Join("out", page))
		if err != nil || !strings.Contains(string(text), "1 of 2 rule tests failed") || !strings.Contains(string(text), "counts wrongly") {
			t.Errorf("%s: %v\n%s", page, err, text)
		}
	}
	// What is rendered again is the same.
	before, _ := os.ReadFile(filepath.Join("out", "index.html"))
	call(t, "", "report", "out").want(t, exitOK, "")
	if after, _ := os.ReadFile(filepath.Join("out", "index.html")); string(after) != string(before) {
		t.Errorf("rendered again:\n%s\nwant\n%s", after, before)
	}
}

func TestSimulateSomeRuleTests(t *testing.T) {
	source := testdata(t, "spike.yaml")
	t.Chdir(ruleTestDir(t))
	call(t, "", "simulate", "unittest.yaml", "--run", "counts$", "--out", "out").want(t, exitOK, "")
	call(t, "", "simulate", "unittest.yaml", "--run", "nothing", "--out", "out").refused(t, `no test matches "nothing"; there are counts, counts wrongly`)
	call(t, rulesTests, "simulate", "-", "--run", "counts$", "--out", "out").want(t, exitOK, "")
	// Of a directory, beside scenarios.
	write(t, "spike.yaml", read(t, source))
	got := call(t, "", "simulate", ".", "--run", "spike|counts$", "--out", filepath.Join(t.TempDir(), "out"))
	got.want(t, exitOK, "")
	if !strings.Contains(got.stdout, "spike") || !strings.Contains(got.stdout, "unittest.yaml  ok      counts\n") {
		t.Errorf("a directory of both:\n%s", got.stdout)
	}
}

func TestValidateRuleTests(t *testing.T) {
	t.Chdir(ruleTestDir(t))
	got := call(t, "", "validate", "unittest.yaml")
	got.want(t, exitOK, "")
	if got.stdout != "unittest.yaml: 2 rule tests valid\n" {
		t.Errorf("stdout: %s", got.stdout)
	}
	call(t, strings.Replace(rulesTests, "eval_time", "evaltime", 1), "validate", "-").want(t, exitInvalid, `<stdin>:7:47: tests[0].promql_expr_test[0]: unknown field "evaltime"; did you mean "eval_time"?`)
}

// TestEnableFeature lets an experimental function in, in a replay, in the scenario that
// it writes, in rules and in a ScaledObject, and names the flag where it is missing.
func TestEnableFeature(t *testing.T) {
	const query, flag = "mad_over_time(lag[10m])", "--enable-feature=promql-experimental-functions"
	ha := checkoutPolicy(t, query)
	csv := table(t, "lag.csv", "time,lag\n", "2026-01-05 10:MM:00,2MM\n")
	out := filepath.Join(t.TempDir(), "out")
	replay := []string{"replay", "-f", ha, "--recording", csv, "--out", out}
	call(t, "", replay...).want(t, exitInvalid, flag)
	call(t, "", append(replay, flag+"s")...).refused(t, `--enable-feature: "promql-experimental-functionss" is no feature of Prometheus; did you mean`)
	got := call(t, "", append(replay, "--enable-feature=exemplar-storage,promql-experimental-functions")...)
	got.want(t, exitOK, "")
	again := call(t, "", "simulate", filepath.Join(out, "checkout", "scenario.yaml"), "--out", filepath.Join(t.TempDir(), "again"))
	if again.code != exitOK || again.stdout != got.stdout {
		t.Errorf("simulated again:\n%s%s\nwant\n%s", again.stderr, again.stdout, got.stdout)
	}
	call(t, "", "validate", ha).want(t, exitInvalid, flag)
	call(t, "", "validate", ha, flag).want(t, exitOK, "")
	so := filepath.Join(t.TempDir(), "so.yaml")
	if err := os.WriteFile(so, []byte(`apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {name: checkout}
  triggers: [{type: prometheus, metadata: {serverAddress: "http://p", query: "`+query+`", threshold: "10"}}]
`), 0o644); err != nil {
		t.Fatal(err)
	}
	call(t, "", "convert", so).want(t, exitInvalid, flag)
	call(t, "", "convert", so, flag).want(t, exitOK, "")
}
