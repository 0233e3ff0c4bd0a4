package world

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A line is a timeline that a test moves.
type line struct {
	now    time.Time
	events []lineEvent
}

type lineEvent struct {
	at  time.Time
	run func()
}

func newLine() *line { return &line{now: time.UnixMilli(0)} }

// Now implements Timeline.
func (l *line) Now() time.Time { return l.now }

// At implements Timeline.
func (l *line) At(at time.Time, _ string, f func()) { l.events = append(l.events, lineEvent{at, f}) }

// move runs all events up to an instant, the earliest first.
func (l *line) move(to time.Duration) {
	end := time.UnixMilli(0).Add(to)
	for {
		first := -1
		for i, e := range l.events {
			if !e.at.After(end) && (first < 0 || e.at.Before(l.events[first].at)) {
				first = i
			}
		}
		if first < 0 {
			l.now = end
			return
		}
		e := l.events[first]
		l.events = append(l.events[:first], l.events[first+1:]...)
		l.now = e.at
		e.run()
	}
}

// worldOf has one workload with so many pods.
func worldOf(t *line, w *Workload, replicas int32) (*Targets, *Workloads) {
	targets := NewTargets(t)
	w.Target = &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}, Spec: replicas}
	if err := targets.Add(w.Target); err != nil {
		panic(err)
	}
	if w.Saturation == 0 {
		w.Saturation = 1
	}
	if w.Startup == nil {
		w.Startup = Fixed(0)
	}
	if w.ServiceP50 == 0 {
		w.ServiceP50, w.ServiceP95 = 50*time.Millisecond, 200*time.Millisecond
	}
	workloads := NewWorkloads(t)
	workloads.Add(w)
	workloads.Start()
	return targets, workloads
}

// series are the values of the series with a name, by a label.
func series(ws *Workloads, now time.Duration, name, label string) map[string]float64 {
	got := map[string]float64{}
	ws.Emit(now.Milliseconds(), func(l labels.Labels, v float64) {
		if l.Get(labels.MetricName) == name {
			got[l.Get(label)] = v
		}
	})
	return got
}

func TestServing(t *testing.T) {
	cases := map[string]struct {
		reason   string
		workload Workload
		want     map[string]float64 // after ten seconds of 100 a second on two replicas of 40
		waiting  float64
	}{
		"Refused": {
			reason:   "without a queue, what is too much is refused at once",
			workload: Workload{},
			want:     map[string]float64{"200": 800, "503": 200, "504": 0},
		},
		"Saturation": {
			reason:   "replicas serve more than their capacity up to saturation",
			workload: Workload{Saturation: 1.2},
			want:     map[string]float64{"200": 960, "503": 40, "504": 0},
		},
		"Waits": {
			reason:   "with a queue without bounds nothing is lost",
			workload: Workload{Limit: math.Inf(1)},
			want:     map[string]float64{"200": 800, "503": 0, "504": 0},
			waiting:  200,
		},
		"Limit": {
			reason:   "what comes on top of a full queue is refused",
			workload: Workload{Limit: 50},
			want:     map[string]float64{"200": 800, "503": 150, "504": 0},
			waiting:  50,
		},
		"Timeout": {
			reason:   "what has waited too long is given up: a second's worth of waiting is 80",
			workload: Workload{Limit: math.Inf(1), Timeout: time.Second},
			want:     map[string]float64{"200": 800, "503": 0, "504": 200},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLine()
			w := c.workload
			w.Capacity, w.Demand = 40, Constant(100)
			_, ws := worldOf(l, &w, 2)
			l.move(10 * time.Second)
			if diff := cmp.Diff(c.want, series(ws, 10*time.Second, requestsTotal, "code")); diff != "" {
				t.Errorf("%s, -want +got:\n%s", c.reason, diff)
			}
			if got := w.backlog.waiting; got != c.waiting {
				t.Errorf("%s: %v wait, want %v", c.reason, got, c.waiting)
			}
		})
	}
}

// TestUtilization checks the series that a policy on utilization divides.
func TestUtilization(t *testing.T) {
	l := newLine()
	w := &Workload{Capacity: 40, Demand: Constant(60), Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}, Startup: Fixed(30 * time.Second)}
	targets, ws := worldOf(l, w, 2)
	l.move(100 * time.Second)
	cpu := series(ws, 100*time.Second, containerCPU, "pod")
	if diff := cmp.Diff([]float64{37.5, 37.5}, slices.Collect(maps.Values(cpu))); diff != "" {
		t.Errorf("30 a second on a capacity of 40 is 75 %% of half a core for 100 s, -want +got:\n%s", diff)
	}
	scale, err := targets.Get(t.Context(), w.Target.Ref, w.Target.began)
	if err != nil {
		t.Fatal(err)
	}
	if err := targets.Set(t.Context(), w.Target.Ref, scale, 3); err != nil {
		t.Fatal(err)
	}
	if w.Target.Status != 3 || w.Target.Serving() != 2 {
		t.Errorf("a starting pod counts and does not serve: status %d, serving %d", w.Target.Status, w.Target.Serving())
	}
	if asks := series(ws, 100*time.Second, containerAsks, "pod"); len(asks) != 3 {
		t.Errorf("starting pods request as well: %v", asks)
	}
	l.move(130 * time.Second)
	if w.Target.Serving() != 3 {
		t.Errorf("after 30 s the pod serves: %d", w.Target.Serving())
	}
	l.move(170 * time.Second)
	got := series(ws, 170*time.Second, containerCPU, "pod")[w.pods[2].Name]
	if math.Abs(got-10) > 1e-9 {
		t.Errorf("a third of 60 a second for 40 s is 50 %% of half a core, 10 s of cpu time, got %v", got)
	}
}

// TestWaiting checks that the histogram has the time that requests waited.
func TestWaiting(t *testing.T) {
	l := newLine()
	w := &Workload{Capacity: 10, Demand: Constant(10), Limit: math.Inf(1), Waiting: 100, ServiceP50: time.Millisecond, ServiceP95: time.Millisecond}
	_, ws := worldOf(l, w, 1)
	l.move(60 * time.Second)
	count := series(ws, time.Minute, requestDuration+"_count", "service")["web"]
	sum := series(ws, time.Minute, requestDuration+"_sum", "service")["web"]
	// Ten seconds of backlog: those waiting at the start wait 4.5 s on average,
	// all others 10 s.
	want := (100*4.5 + 500*10) + 600*0.001
	if count != 600 || math.Abs(sum-want) > 1e-6 {
		t.Errorf("count %v, want 600; sum %v, want %v", count, sum, want)
	}
	if got := series(ws, time.Minute, queueOldest, "queue")["web"]; got != 10 {
		t.Errorf("the first in line has waited %v s, want 10", got)
	}
}

// TestWorkIsConserved scales at random and asks at random instants.
func TestWorkIsConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine()
		w := &Workload{
			Capacity: rapid.Float64Range(0.5, 50).Draw(t, "capacity"), Saturation: rapid.Float64Range(1, 3).Draw(t, "saturation"),
			Demand:  Sum([]Demand{Constant(100), Sine(120, time.Minute, 0)}, []Demand{Noise(Random(1, "n"), 20, time.Second, 0)}),
			Startup: Uniform(Random(1, "s"), 0, 20*time.Second),
			Limit:   rapid.SampledFrom([]float64{0, 100, math.Inf(1)}).Draw(t, "limit"),
			Timeout: rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(t, "timeout"),
		}
		targets, ws := worldOf(l, w, 3)
		at := time.Duration(0)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			at += time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond
			l.move(at)
			scale, _ := targets.Get(t.Context(), w.Target.Ref, w.Target.began)
			replicas := rapid.Int32Range(0, 30).Draw(t, "replicas")
			if err := targets.Set(t.Context(), w.Target.Ref, scale, replicas); err != nil {
				t.Fatal(err)
			}
			if w.Target.Status != replicas || len(w.pods) != int(replicas) || w.Target.Serving() > replicas {
				t.Fatalf("%d replicas wanted, %d counted, %d pods, %d serve", replicas, w.Target.Status, len(w.pods), w.Target.Serving())
			}
			ws.Advance(at.Milliseconds())
			b := &w.backlog
			if lost := b.arrived - b.served - b.refused - b.expired - b.waiting; math.Abs(lost) > 1e-6*(1+b.arrived) {
				t.Fatalf("%v of %v arrived are lost", lost, b.arrived)
			}
		}
	})
}

// TestAdvanceInParts checks that the result does not depend on who asks when.
func TestAdvanceInParts(t *testing.T) {
	build := func() (*Workload, *Workloads) {
		w := &Workload{Capacity: 30, Demand: Spike(100, 2500, 1500, 3000, 2000), Limit: 40}
		_, ws := worldOf(newLine(), w, 2)
		return w, ws
	}
	once, all := build()
	all.Advance(20_000)
	often, parts := build()
	for at := int64(1000); at <= 20_000; at += 1000 {
		parts.Advance(at)
	}
	if once.backlog.served != often.backlog.served || once.backlog.refused != often.backlog.refused {
		t.Errorf("in one go %v served and %v refused, second by second %v and %v",
			once.backlog.served, once.backlog.refused, often.backlog.served, often.backlog.refused)
	}
}

func TestRollout(t *testing.T) {
	l := newLine()
	w := &Workload{Capacity: 1, Demand: Constant(0), Startup: Fixed(10 * time.Second)}
	_, ws := worldOf(l, w, 5)
	before := slices.Clone(w.pods)
	w.Rollout(Rollout{Batch: 2})
	if w.Target.Serving() != 3 || w.Target.Status != 5 {
		t.Errorf("the first two of five are replaced: %d serve of %d", w.Target.Serving(), w.Target.Status)
	}
	l.move(25 * time.Second)
	if w.Target.Serving() != 4 {
		t.Errorf("the last one is being replaced: %d serve", w.Target.Serving())
	}
	l.move(30 * time.Second)
	ready := series(ws, 30*time.Second, podReady, "pod")
	for _, p := range before {
		if _, there := ready[p.Name]; there || len(ready) != 5 {
			t.Errorf("%s is still there, or not all pods are new: %v", p.Name, ready)
		}
	}
	if sets := w.replicaSets(); len(sets) != 1 || sets[0] == before[0].OwnerName {
		t.Errorf("the new pods belong to another ReplicaSet than %s: %v", before[0].OwnerName, sets)
	}
}

func TestScaleDownDuringRollout(t *testing.T) {
	l := newLine()
	w := &Workload{Capacity: 1, Demand: Constant(0), Startup: Fixed(10 * time.Second)}
	targets, ws := worldOf(l, w, 5)
	before := slices.Clone(w.pods)
	w.Rollout(Rollout{Batch: 2})
	if err := targets.Set(t.Context(), w.Target.Ref, cycle.Scale{Version: w.Target.tag}, 3); err != nil {
		t.Fatal(err)
	}
	l.move(30 * time.Second)
	ready := series(ws, 30*time.Second, podReady, "pod")
	for _, p := range before {
		if _, there := ready[p.Name]; there || len(ready) != 3 {
			t.Errorf("the pods that were starting have gone, and the others are replaced all the same; got %v", ready)
		}
	}
}

func TestDemand(t *testing.T) {
	cases := map[string]struct {
		reason string
		demand Demand
		want   []float64 // at 0, 1, 2, ... seconds
	}{
		"Step":     {"a step lasts for its time", Step(5, 1000, 3000), []float64{0, 5, 5, 0}},
		"Ramp":     {"a ramp grows and stays", Ramp(4, 1000, 3000), []float64{0, 0, 2, 4, 4}},
		"Spike":    {"a spike rises, stays and falls", Spike(4, 0, 2000, 1000, 2000), []float64{0, 2, 4, 4, 2, 0, 0}},
		"Sudden":   {"a spike without rise and fall is a step", Spike(4, 1000, 0, 2000, 0), []float64{0, 4, 4, 0}},
		"Sine":     {"a sine has its crest at peak", Sine(3, 4*time.Second, 1000), []float64{0, 3, 0, -3, 0, 3}},
		"Sum":      {"a demand is never negative", Sum([]Demand{Constant(1), Step(-3, 1000, 2000)}, nil), []float64{1, 0, 1}},
		"NoFactor": {"noise multiplies the sum", Sum([]Demand{Constant(7)}, []Demand{Noise(Random(1, "x"), 0, time.Second, 0)}), []float64{7, 7}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := make([]float64, len(c.want))
			for i := range got {
				got[i] = math.Round(c.demand(int64(i)*1000)*1e9) / 1e9
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s, -want +got:\n%s", c.reason, diff)
			}
		})
	}
}

func TestLogNormal(t *testing.T) {
	shape := newLogNormal(time.Second, 4*time.Second)
	for _, c := range []struct{ x, want float64 }{{0, 0}, {1, 0.5}, {4, 0.95}} {
		if got := shape.below(c.x); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a share of %v is below %v, want %v", got, c.x, c.want)
		}
	}
	draw := LogNormal(Random(1, "x"), time.Second, 4*time.Second)
	below := 0
	for range 10_000 {
		if draw() <= 4*time.Second {
			below++
		}
	}
	if below < 9400 || below > 9600 {
		t.Errorf("%d of 10,000 draws are below the 95th percentile", below)
	}
}
