package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServeRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "plain/report.json", "{}")
	write(t, "text.json", "objects: 3")
	write(t, "audit.json", `{"schema": 1, "from": "2026-01-05T08:00:00Z", "to": "2026-01-05T09:00:00Z", "rows": []}`)
	write(t, "ha.yaml", strings.Split(hostileInputs["ha.yaml"].text, "\n---")[0])
	write(t, "load.yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: load}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  inputSeries: [{series: rps, values: '40x39'}]
  targets: [{kind: Deployment, name: web, replicas: 5}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 12
  metrics: [{prometheus: {query: rps, target: {type: AverageValue, averageValue: 8}}}]
`)
	if got := call(t, "", "simulate", "load.yaml", "--out", "out"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	if got := call(t, "", "simulate", "load.yaml", "--out", "damaged"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	journal := filepath.Join("damaged", "load", "decisions.jsonl")
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(journal, []byte(strings.Replace(string(text), `"desired":5`, `"desired":6`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := []struct {
		reason string
		args   []string
		want   string
	}{
		{"nothing to show", []string{"serve"}, "nothing to show"},
		{"two things to show", []string{"serve", "out", "-f", "ha.yaml"}, "not two of them"},
		{"an audit that is not there", []string{"serve", "gone.json"}, "no such file"},
		{"another JSON", []string{"serve", "plain/report.json"}, "want what 'karpenter audit -o json' writes"},
		{"no JSON", []string{"serve", "text.json"}, "want what 'karpenter audit -o json' writes"},
		{"an audit and half of what a workbench needs", []string{"serve", "audit.json", "-f", "ha.yaml"}, "needs both -f and --recording"},
		{"a path that is not there", []string{"serve", "gone"}, "no such file"},
		{"a directory of somebody's", []string{"serve", "plain"}, "plain: no reports"},
		{"figures that do not follow from their journal", []string{"serve", "damaged"}, "damaged/load/decisions.jsonl:"},
		{"an address that others reach", []string{"serve", "out", "--listen", "0.0.0.0:0"}, "--allow-remote"},
		{"no address", []string{"serve", "out", "--listen", "8080"}, "want ADDRESS:PORT"},
		{"a port in use", []string{"serve", "out", "--listen", taken.Addr().String()}, "address already in use"},
		{"a port in use, of a workbench", []string{"serve", "load.yaml", "--listen", taken.Addr().String()}, "address already in use"},
	}
	for _, tc := range cases {
		got := call(t, "", tc.args...)
		code := exitInvalid
		if strings.HasPrefix(tc.want, "damaged/") {
			code = exitFailed // as of every other reader of a journal
		}
		if got.code != code || !strings.Contains(got.stderr, tc.want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: code %d, %q, want %q in one line", tc.reason, got.code, got.stderr, tc.want)
		}
	}
}
