package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// spike is the contract's example, without what refers to other files.
const spike = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata:
  name: queue-spike
spec:
  description: A backlog doubles at 10m; nodes follow within two minutes, one reversal at most.
  seed: 42
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  controller:
    phase: aligned
    queryOffset: 0s
  prometheus:
    scrapeInterval: 15s
    ingestDelay: 0s
    lookbackDelta: 5m
    evaluationInterval: 15s
  interval: 15s
  inputSeries:
    - series: 'queue_length{queue="jobs"}'
      values: '40x39 80x199'
  targets:
    - {apiVersion: apps/v1, kind: Deployment, namespace: default, name: web, replicas: 5}
  nodeGroups: []
  workloads: []
  queues: []
  faults: []
  variants: []
  expect:
    - {name: scaled, at: 20m, expr: 'kube_deployment_spec_replicas{deployment="web"} >= 20'}
    - {name: bounded, always: 'kube_deployment_spec_replicas <= 40'}
    - {name: settles, eventually: 'kube_deployment_spec_replicas == 20', after: 10m, within: 5m, for: 10m}
    - {name: calm, report: 'reversals <= 1'}
`

func TestRoundTrip(t *testing.T) {
	s, err := ParseText("s.yaml", []byte(spike))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Write(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseText("s.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a written scenario must be read as it was\n-want +got:\n%s\n%s", diff, text)
	}
}
