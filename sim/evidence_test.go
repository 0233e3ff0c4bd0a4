package sim

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// recordedRun is what a service of full and half empty replicas recorded, which served
// a load of needed replicas and of which each showed error times what it should.
func recordedRun(wrong float64) *evidence {
	e := &evidence{saturation: 1, share: sharedLoad{window: 10_000, divided: true}, atNeed: 0.8, scale: 1}
	for at := int64(0); at < 40; at += 2 {
		e.ready.Append(at, stepped(20, 5)(at*1000))
		e.needed.Append(at, 3)
	}
	for at := int64(0); at < 40; at += 2 {
		e.value.Append(at, wrong*e.asRecorded(every2s, at*1000))
	}
	return e
}

// TestMisfit: at the recorded counts a replay shows what was recorded, whether or not
// the demand drives it, so that the demand has to be held against the recording by itself.
func TestMisfit(t *testing.T) {
	for _, c := range []struct {
		wrong float64
		want  bool
	}{{1, false}, {1.09, false}, {0.92, false}, {1.12, true}, {0.85, true}} {
		doubt := recordedRun(c.wrong).misfit("m", every2s)
		if (doubt != nil) != c.want {
			t.Errorf("%v times what the demand lets the replicas show: doubt %v, want one: %v", c.wrong, doubt, c.want)
		}
		if doubt != nil && (doubt.Code != result.NotDriven || math.Abs(doubt.Excess-math.Abs(c.wrong-1)) > 1e-9) {
			t.Errorf("%v times: doubt %+v, want NotDriven by its distance", c.wrong, doubt)
		}
	}
}

// TestDriven: the recorded replicas show what was recorded, chance included, and others
// what the load lets them, off by as much.
func TestDriven(t *testing.T) {
	e := recordedRun(1.05)
	recorded := func(t int64) float64 { return e.ready.At(t / 1000) }
	for at := int64(0); at < 40; at += 2 {
		if got, want := e.driven(recorded, every2s, at*1000), e.value.At(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %d s: %v at the recorded counts, recorded was %v", at, got, want)
		}
	}
	if got, want := e.driven(steady(8), every2s, 38_000), 1.05*0.8*3/8; math.Abs(got-want) > 1e-9 {
		t.Errorf("8 replicas show %v of a load of 3, want %v", got, want)
	}
	if got, want := e.driven(steady(2), every2s, 38_000), 1.05*1.0; math.Abs(got-want) > 1e-9 {
		t.Errorf("2 replicas show %v of a load of 3, want no more than all they can, %v", got, want)
	}
	e.scale = 2
	if got, want := e.driven(steady(8), every2s, 38_000), 1.05*0.8*6/8; math.Abs(got-want) > 1e-9 {
		t.Errorf("8 replicas show %v of twice the load, want %v", got, want)
	}
}

// TestLoadInTime: a demand that looks back shows what arrived before, and drives the
// replicas when it arrived.
func TestLoadInTime(t *testing.T) {
	var needed Steps
	for at := int64(0); at < 40; at++ {
		needed.Append(at, float64(at)-5) // a ramp of 1 a second, 5 s late
	}
	e := &evidence{atNeed: 1, needed: needed, lag: 5000}
	if got := e.load(20_000); got != 20 {
		t.Errorf("20 arrive at 20 s, the load is %v", got)
	}
	for text, want := range map[string]int64{"sum(rate(requests[10s]))": 5000, "sum(requests)": 0, "sum(rate(requests[1m] offset 1m))": 60_000} {
		if got, err := replayLag(&scenario.Replay{Demand: text}); err != nil || got != want {
			t.Errorf("%s is %d ms behind (%v), want %d", text, got, err, want)
		}
	}
	if got, err := replayLag(&scenario.Replay{Demand: "sum(rate(requests[10s]))", DemandLag: scenario.Duration(3 * time.Second)}); err != nil || got != 3000 {
		t.Errorf("a lag that is given is %d ms (%v), want 3000", got, err)
	}
}

// stepsText has the values of steps, each with its time.
func stepsText(s Steps) string {
	var parts []string
	for i, at := range s.T {
		parts = append(parts, fmt.Sprintf("%d:%v", at, s.V[i]))
	}
	return strings.Join(parts, " ")
}

func TestEarlier(t *testing.T) {
	steps := func(pairs ...float64) Steps {
		var s Steps
		for i := 0; i < len(pairs); i += 2 {
			s.Append(int64(pairs[i]), pairs[i+1])
		}
		return s
	}
	for name, c := range map[string]struct {
		lag  time.Duration
		in   Steps
		want string
	}{
		"None":   {0, steps(100, 1, 110, 2), "100:1 110:2"},
		"Some":   {5 * time.Second, steps(100, 1, 110, 2, 120, 3), "100:1 105:2 115:3"},
		"Start":  {10 * time.Second, steps(100, 1, 110, 2, 120, 3), "100:2 110:3"},
		"All":    {time.Minute, steps(100, 1, 110, 2, 120, 3), "100:3"},
		"Gap":    {5 * time.Second, steps(100, 1, 110, math.NaN(), 120, 3), "100:1 105:NaN 115:3"},
		"Nobody": {5 * time.Second, Steps{}, ""},
	} {
		got := earlier(c.in, scenario.Duration(c.lag), 100)
		if text := stepsText(got); text != c.want {
			t.Errorf("%s: %s earlier is %s, want %s", name, c.lag, text, c.want)
		}
	}
}

// TestDemandLag plays a demand that is read by a rate: the need is measured when it
// arrived where the lag is given, and the report says that it comes late where not.
func TestDemandLag(t *testing.T) {
	const text = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: lag}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 5m
  controller: {phase: aligned}
  interval: 10s
  replay: {readyAfter: 0s, demand: 'sum(rate(requests_total[1m]))', capacity: 10LAG}
  inputSeries:
  - {series: requests_total, values: '0+100x12 1500+300x20'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 50
  metrics:
  - prometheus: {query: 'sum(rate(requests_total[1m]))', target: {type: AverageValue, value: "10"}}
`
	const start = 1767600000
	reaches := func(lag string) (seconds int64, notes string) {
		played, _ := playText(t, strings.Replace(text, "LAG", lag, 1))
		needed := played.Objects[0].Needed
		for i, v := range needed.V {
			if v > 1.99 {
				return needed.T[i] - start, strings.Join(played.Notes, "\n")
			}
		}
		t.Fatalf("lag %q: never 2 needed: %v", lag, needed.V)
		return 0, ""
	}
	late, notes := reaches("")
	if !strings.Contains(notes, "about 30s before") || !strings.Contains(notes, "--demand-lag 30s") {
		t.Errorf("a rate over 1m is not said to be late: %s", notes)
	}
	intime, notes := reaches(", demandLag: 30s")
	if strings.Contains(notes, "--demand-lag") {
		t.Errorf("a demand in time is said to be late: %s", notes)
	}
	if late-intime != 30 {
		t.Errorf("2 are needed from %d s on, with a lag of 30 s from %d s on, want 30 s sooner", late, intime)
	}
}
