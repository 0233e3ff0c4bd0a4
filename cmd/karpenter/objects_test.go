package main

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim"
)

// What spec.objects leaves out comes back through no other door: not with a
// variant, nor with a baseline, nor when what was written is played again. What a
// conversion adds to what is named stays.
func TestObjects(t *testing.T) {
	scaled := `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  maxReplicaCount: 20
  triggers:
  - {type: prometheus, metadata: {serverAddress: http://p, query: sum(value), threshold: "20"}}
  - {type: cron, metadata: {timezone: UTC, start: 2 8 * * *, end: 5 8 * * *, desiredReplicas: "7"}}
`
	t.Chdir(t.TempDir())
	write(t, "all.yaml", scaled+"---\n"+strings.ReplaceAll(goodManifest, "web", "api"))
	write(t, "s.yaml", strings.NewReplacer("[ha.yaml]", "[all.yaml]\n  objects: [ha/web]\n  variants: [{name: next, manifests: [all.yaml]}]",
		"replicas: 1}]", "replicas: 1}, {apiVersion: apps/v1, kind: Deployment, name: api, replicas: 1}]").Replace(goodScenario))
	call(t, "", "simulate", "s.yaml", "--baseline", "all.yaml", "--out", "out").want(t, exitOK, "")
	call(t, "", "simulate", "out/s/scenario.yaml", "--out", "again").want(t, exitOK, "")
	decisions := read(t, "out/s/decisions.jsonl")
	if !strings.Contains(decisions, `"kind":"MetricsProducer","namespace":"default","name":"web"`) || strings.Contains(decisions, `"name":"api"`) {
		t.Errorf("want what web needs, and nothing of api, in\n%s", decisions)
	}
	for _, path := range []string{"out/s/variants/next", "out/s/variants/baseline", "again/s", "again/s/variants/next"} {
		if read(t, path+"/"+sim.DecisionsFile) != decisions {
			t.Errorf("%s has other decisions", path)
		}
	}
}

// A fault may be of a query that one column only makes.
func TestFaultOfAQuery(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", goodManifest)
	for _, c := range []struct {
		reason, query string
		code          int
		want          string
	}{
		{"the current policy makes it", "sum(value)", exitOK, ""},
		{"a variant makes it", "max(value)", exitOK, ""},
		{"nobody makes it", "min(value)", exitInvalid, `s.yaml:10:43: spec.faults[0].query: no query of the run has "min(value)" in it`},
	} {
		write(t, "s.yaml", strings.Replace(goodScenario, "  inputSeries", `  faults: [{at: 1m, metrics: down, query: `+c.query+`}]
  variants: [{name: other, set: ["spec.metrics[0].prometheus.query=max(value)"]}]
  inputSeries`, 1))
		t.Log(c.reason)
		call(t, "", "simulate", "s.yaml", "--out", "out").want(t, c.code, c.want)
	}
}
