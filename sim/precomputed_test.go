package sim

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// precomputedScenario replays a total and a value that depends on the replicas,
// with recorded replicas, an offset and gaps.
const precomputedScenario = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: shared}
spec:
  seed: 1
  start: "2026-01-05T00:00:00Z"
  duration: 6h
  controller: {queryOffset: 5s}
  replay: {readyAfter: 90s}
  inputSeries:
  - {series: 'requests', values: '100+3x200 _x60 700-2x300 stale 5x100 900x1000'}
  - {series: 'load', values: '0.5+0.01x100 1.5-0.002x2000'}
  - {series: 'kube_deployment_status_replicas_ready{namespace="default",deployment="web"}', values: '10x400 14x2000'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 100
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'sum(avg_over_time(requests[2m]))', target: {type: AverageValue, value: 50}}
  - prometheus: {query: 'load', target: {type: Value, value: 1}}
`

// TestPrecompute plays the same column as always and with shared results,
// several at a time.
func TestPrecompute(t *testing.T) {
	in, autoscalers := openFile(t, loadText(t, precomputedScenario))
	play := func() (*Result, string, error) {
		var decisions bytes.Buffer
		result, err := in.Play(context.Background(), autoscalers, Options{Journal: &decisions})
		return result, decisions.String(), err
	}
	want, wantText, err := play()
	if err != nil {
		t.Fatal(err)
	}
	in.Precompute()
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			got, text, err := play()
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("shared results change the run (-alone +shared):\n%s", diff)
			}
			if text != wantText {
				t.Error("shared results change the journal")
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestDecisions listens instead of writing: the same decisions, and nothing
// encoded.
func TestDecisions(t *testing.T) {
	in, autoscalers := openFile(t, loadText(t, precomputedScenario))
	var text bytes.Buffer
	want, err := in.Play(context.Background(), autoscalers, Options{Journal: &text})
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	in.Precompute()
	got, err := in.Play(context.Background(), autoscalers, Options{Decisions: func(r *journal.Record) {
		heard = append(heard, string(r.Reason))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != "" || got.Records != want.Records || int64(len(heard)) != want.Records {
		t.Errorf("digest %q, %d records, %d heard; want none, and %d twice", got.Digest, got.Records, len(heard), want.Records)
	}
	for i, line := range lines(text.String()) {
		if reason := `"reason":` + strconv.Quote(heard[i]); !strings.Contains(line, reason) {
			t.Fatalf("record %d: heard %s\n%s", i, heard[i], line)
		}
	}
	want.Digest = ""
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("listening changes the run (-written +heard):\n%s", diff)
	}
}

// TestPause ends a run at its second pause.
func TestPause(t *testing.T) {
	in, autoscalers := openFile(t, loadText(t, precomputedScenario))
	start := in.File.Spec.Start.Time
	pauses := []time.Time{start.Add(time.Hour), start.Add(2 * time.Hour), start.Add(3 * time.Hour)}
	var asked []time.Time
	result, err := in.Play(context.Background(), autoscalers, Options{
		Decisions: func(*journal.Record) {}, Pauses: pauses,
		Paused: func(at time.Time, objects []Object) bool {
			asked = append(asked, at)
			return len(objects) == 1 && len(asked) < 2
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pauses[:2], asked); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	if got, want := result.Records, int64(2*240); got != want {
		t.Errorf("%d decisions before the end at two hours, want %d", got, want)
	}
}
