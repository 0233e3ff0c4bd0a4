package sim

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// conflictBase has a load that doubles at 08:02:45, a policy that decides every
// minute, and writes that meet a conflict from 08:02:50 to 08:03:03.
const conflictBase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: conflicts}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  interval: 15s
  inputSeries: [{series: 'q{a="b"}', values: '40x10 80x40'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 10}]
  faults: [{name: conflict, controller: conflicts, at: 170s, for: 13s}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 100
  pollingIntervalSeconds: 60
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{prometheus: {query: 'sum(q)', target: {type: AverageValue, value: 4}}}]
`

func TestConflictIsTriedAgain(t *testing.T) {
	in, autoscalers := openFile(t, loadText(t, conflictBase))
	var decisions bytes.Buffer
	var wakes []string
	note := func(_ journal.Object, at time.Time, next cycle.Wake) {
		if next.Cause != cycle.NextSlot {
			wakes = append(wakes, at.Format(time.TimeOnly)+" "+string(next.Cause)+" "+next.At.UTC().Format(time.TimeOnly))
		}
	}
	result, err := in.Play(context.Background(), autoscalers, Options{Journal: &decisions, Wakes: note})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"08:03:00 RetryConflict 08:03:01", "08:03:01 RetryConflict 08:03:02", "08:03:02 RetryConflict 08:03:03"}
	if diff := cmp.Diff(want, wakes); diff != "" {
		t.Errorf("a slot that meets a conflict is tried again every second, -want +got:\n%s", diff)
	}
	if result.Records != 10 || strings.Contains(decisions.String(), `"missed"`) {
		t.Errorf("%d decisions, want 10 and none missed:\n%s", result.Records, decisions.String())
	}
	spec := result.Objects[0].Spec
	eightThree := in.start/1000 + 180
	if before, after := spec.At(eightThree+2), spec.At(eightThree+3); before != 10 || after != 20 {
		t.Errorf("the count is %v at 08:03:02 and %v at 08:03:03, want 10 and 20", before, after)
	}
}

// TestRestartAmidRetries holds that a slot is decided by the controller that is in
// charge when it falls, or by none: a restart loses the one that is tried again,
// and no other.
func TestRestartAmidRetries(t *testing.T) {
	slot := "2026-01-05T08:03:00Z" // tried at 180 s, 181 s, 182 s, and decided at 183 s
	for at, lost := range map[string]bool{"179s": false, "180s": false, "181s": true, "183s": true, "184s": false} {
		text := strings.Replace(conflictBase, "for: 13s}", "for: 13s}, {controller: restart, at: "+at+"}", 1)
		in, autoscalers := openFile(t, loadText(t, text))
		var decisions bytes.Buffer
		result, err := in.Play(context.Background(), autoscalers, Options{Journal: &decisions})
		if err != nil {
			t.Fatal(err)
		}
		want := int64(10)
		if lost {
			want--
		}
		if decided := strings.Contains(decisions.String(), `"slot":"`+slot+`"`); decided == lost || result.Records != want {
			t.Errorf("restarted at %s: %s decided is %t, of %d slots; want %t, of %d", at, slot, decided, result.Records, !lost, want)
		}
		if after := result.Objects[0].Spec.At(in.start/1000 + 240); after != 20 {
			t.Errorf("restarted at %s: the count is %v after the next slot, want 20", at, after)
		}
	}
}

// TestConflictsOfAllKinds holds that node groups and producers get over
// conflicts as autoscalers do.
func TestConflictsOfAllKinds(t *testing.T) {
	text := strings.NewReplacer("GROUP", "", "FAULT", "{at: 5m, for: 13s, controller: conflicts}, {at: 5m, for: 33s, controller: conflicts, object: sng/batch}").Replace(groupBase) + `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec: {scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 4, start: {minutes: "5", hours: "8"}, end: {minutes: "30", hours: "8"}}]}}
`
	in, autoscalers := openFile(t, loadText(t, text))
	retried := map[string]bool{}
	note := func(o journal.Object, at time.Time, next cycle.Wake) {
		if next.Cause == cycle.RetryConflict {
			retried[o.Kind] = true
		}
	}
	result, err := in.Play(context.Background(), autoscalers, Options{Wakes: note})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{journal.HorizontalAutoscaler: true, journal.ScalableNodeGroup: true, journal.MetricsProducer: true}
	if diff := cmp.Diff(want, retried); diff != "" {
		t.Errorf("kinds of objects that are tried again, -want +got:\n%s", diff)
	}
	start := in.start / 1000
	if held, after := result.Objects[0].Spec.At(start+5*60+12), result.Objects[0].Spec.At(start+5*60+13); held != 2 || after != 5 {
		t.Errorf("the group is %v nodes before the conflicts end and %v after, want 2 and 5", held, after)
	}
}
