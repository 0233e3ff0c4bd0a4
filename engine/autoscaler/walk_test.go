package autoscaler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A walk is a policy and what it sees, slot by slot, with the counts it must
// decide: the form of the conformance table and of the properties.
type walk struct {
	Name    string             `json:"name"`
	Policy  *policy.Autoscaler `json:"policy"`
	Initial int32              `json:"initial"`
	Steps   []walkStep         `json:"steps"`
	Desired []int32            `json:"desired"`

	pause Pause // of the step that is being decided
}

type walkStep struct {
	// Skip is how many slots before this one nobody decided.
	Skip int `json:"skip,omitempty"`
	// Values are the metrics; nil is missing.
	Values []*float64 `json:"values"`
	// Lag is how far status is behind spec, in replicas.
	Lag int32 `json:"lag,omitempty"`
	// Unready is how many of status are not ready, negative for ready pods that
	// are no more in status; nil where nobody counts.
	Unready *int32 `json:"unready,omitempty"`
	// Lost: the command of this slot does not reach the target. Blind: the
	// scale cannot be read. Edit: somebody else sets spec after this slot.
	Lost  bool   `json:"lost,omitempty"`
	Blind bool   `json:"blind,omitempty"`
	Edit  *int32 `json:"edit,omitempty"`
	// Pause is what annotations hold back.
	Pause *Pause `json:"pause,omitempty"`
}

const unknown = -1 // stands for a slot without a decision in walk.Desired

// play walks the steps with decide and returns the desired counts.
func (w *walk) play(start slot.Slot, decide func(now slot.Slot, skipped []slot.Slot, scale Scale, metrics []Sample) (int32, bool)) []int32 {
	var desired []int32
	replicas, now := w.Initial, start
	for i, step := range w.Steps {
		var skipped []slot.Slot
		if i > 0 {
			for range step.Skip {
				now += slot.Slot(w.Policy.Interval)
				skipped = append(skipped, now)
			}
			now += slot.Slot(w.Policy.Interval)
		}
		scale := Scale{Spec: replicas, Status: max(0, replicas-step.Lag)}
		if step.Unready != nil {
			scale.Ready, scale.Counted = max(0, scale.Status-*step.Unready), true
		}
		if step.Blind {
			scale = Scale{Code: observation.Unavailable}
		}
		metrics := make([]Sample, len(step.Values))
		for j, v := range step.Values {
			metrics[j] = Sample{Code: observation.Empty}
			if v != nil {
				metrics[j] = Sample{Value: *v}
			}
		}
		w.pause = Pause{}
		if step.Pause != nil {
			w.pause = *step.Pause
		}
		d, known := decide(now, skipped, scale, metrics)
		if !known {
			desired = append(desired, unknown)
			continue
		}
		desired = append(desired, d)
		if !step.Lost && !w.Policy.DryRun {
			replicas = d
		}
		if step.Edit != nil {
			replicas = *step.Edit
		}
	}
	return desired
}

// decide plays the walk through Step.
func (w *walk) decide() []int32 {
	var state State
	return w.play(1_000_000, func(now slot.Slot, _ []slot.Slot, scale Scale, metrics []Sample) (int32, bool) {
		var d Decision
		state, d = Step(w.Policy, state, &Input{Slot: now, Scale: scale, Metrics: metrics, Pause: w.pause})
		return d.Desired, d.Known
	})
}

// expect plays the walk through the naive twin.
func (w *walk) expect() []int32 {
	naive := twin{policy: w.Policy, failed: map[int][]slot.Slot{}}
	return w.play(1_000_000, func(now slot.Slot, skipped []slot.Slot, scale Scale, metrics []Sample) (int32, bool) {
		return naive.decide(now, skipped, scale, metrics, w.pause)
	})
}

func equal(a, b []int32) bool { return slices.Equal(a, b) }

// source draws the choices of a walk; a seeded generator and rapid both are one.
type source interface {
	n(limit int) int // in [0, limit)
}

type seeded struct{ r *rand.Rand }

func (s seeded) n(limit int) int { return s.r.IntN(limit) }

type drawn struct{ t *rapid.T }

func (d drawn) n(limit int) int { return rapid.IntRange(0, limit-1).Draw(d.t, "n") }

// randomWalk draws a policy and steps that reach windows, budgets, gaps, bounds,
// lost commands and outages often.
func randomWalk(s source) *walk {
	interval := []int32{1, 5, 10, 15, 30}[s.n(5)]
	p := &policy.Autoscaler{Interval: interval, Min: int32(s.n(4)), Metrics: []policy.Metric{}}
	p.Max = p.Min + []int32{0, 3, 20, 1000}[s.n(4)]
	p.Target = policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	for i := range 1 + s.n(3) {
		kind := []policy.MetricType{policy.AverageValue, policy.Value, policy.Utilization}[s.n(3)]
		p.Metrics = append(p.Metrics, policy.Metric{Query: fmt.Sprintf("m%d", i), Type: kind, Target: []float64{0.5, 1, 3, 7, 50}[s.n(5)]})
	}
	p.Up, p.Down = randomRules(s, interval), randomRules(s, interval)
	w := &walk{Policy: p, Initial: int32(s.n(12))}
	for range 12 + s.n(36) {
		step := walkStep{Values: make([]*float64, len(p.Metrics))}
		for i, m := range p.Metrics {
			if s.n(8) > 0 {
				v := m.Target * float64(s.n(80)) / 8
				if m.Type == policy.Utilization {
					v /= 100
				}
				if s.n(40) == 0 {
					v = -v
				}
				step.Values[i] = &v
			}
		}
		if s.n(6) == 0 {
			step.Skip = s.n(12)
		}
		if s.n(5) == 0 {
			step.Lag = int32(s.n(6))
		}
		if s.n(3) == 0 {
			unready := int32(s.n(12) - 4)
			step.Unready = &unready
		}
		step.Lost, step.Blind = s.n(10) == 0, s.n(20) == 0
		if s.n(15) == 0 {
			edit := int32(s.n(30))
			step.Edit = &edit
		}
		w.Steps = append(w.Steps, step)
	}
	return w
}

// randomKind lets the target of a walk sleep, or has it decided by HPA's older
// algorithm, in three of four cases. It draws after all else, so that walks of the
// same numbers are the same but for that.
func randomKind(s source, w *walk) {
	p := w.Policy
	if s.n(2) == 0 {
		p.Algorithm = policy.HPAWithoutBehavior
		p.Up.Window, p.Up.Select, p.Up.Policies = 0, policy.SelectMax, []policy.Rate{}
		p.Down.Select, p.Down.Policies = policy.SelectMax, []policy.Rate{}
	}
	if s.n(2) > 0 {
		return
	}
	p.Min = max(1, p.Min)
	p.Max = max(p.Min, p.Max)
	p.Zero = &policy.Zero{Cooldown: p.Interval * []int32{0, 1, 3, 20}[s.n(4)], Idle: int32(s.n(int(p.Min)))}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		if s.n(4) > 0 {
			activation := m.Target * float64(s.n(10)-1) / 2
			if m.Type == policy.Utilization {
				activation /= 100
			}
			m.Activation = &activation
		}
	}
	// A lull, which a cooldown may end in.
	quiet := s.n(len(w.Steps))
	for i := quiet; i < min(len(w.Steps), quiet+10); i++ {
		for j, v := range w.Steps[i].Values {
			if v != nil {
				zero := 0.0
				w.Steps[i].Values[j] = &zero
			}
		}
	}
}

// randomFallbacks gives some metrics of a walk one, and outages that are long enough
// for it. It draws after all else, as randomKind does.
func randomFallbacks(s source, w *walk) {
	p := w.Policy
	for i := range p.Metrics {
		if s.n(3) == 0 {
			continue
		}
		p.Metrics[i].Fallback = &policy.Fallback{
			Replicas: p.Min + int32(s.n(int(min(p.Max-p.Min, 30))+1)),
			After:    p.Interval*[]int32{1, 2, 5}[s.n(3)] + int32(s.n(2)), AllowScaleDown: s.n(2) == 0,
		}
		begin := s.n(len(w.Steps))
		for j := begin; j < min(len(w.Steps), begin+s.n(12)); j++ {
			if s.n(12) > 0 {
				w.Steps[j].Values[i] = nil
			}
		}
	}
}

// randomPauses pauses a walk for some of its steps. It draws after all else.
func randomPauses(s source, w *walk) {
	for range s.n(3) {
		p := &Pause{}
		switch s.n(4) {
		case 0:
			p.Fixed, p.Replicas = true, int32(s.n(30))
		case 1:
			p.Down = true
		case 2:
			p.Up = true
		default:
			p.Down, p.Up = true, true
		}
		begin := s.n(len(w.Steps))
		for i := begin; i < min(len(w.Steps), begin+s.n(12)); i++ {
			w.Steps[i].Pause = p
		}
	}
}

func randomRules(s source, interval int32) policy.Rules {
	r := policy.Rules{
		Window:    interval * []int32{0, 1, 2, 6, 20}[s.n(5)],
		Tolerance: []float64{0, 0.1, 0.5}[s.n(3)],
		Select:    []policy.Select{policy.SelectMax, policy.SelectMin, policy.SelectMax, policy.SelectMin, policy.Disabled}[s.n(5)],
		Policies:  []policy.Rate{},
	}
	if s.n(3) == 0 {
		r.Window += int32(s.n(int(interval)))
	}
	for range s.n(3) {
		r.Policies = append(r.Policies, policy.Rate{
			Type:   []policy.RateType{policy.Count, policy.Percent}[s.n(2)],
			Value:  []int32{1, 2, 5, 10, 50, 100, 400}[s.n(7)],
			Period: max(1, min(1800, interval*int32(1+s.n(12))-int32(s.n(2)))),
		})
	}
	return r
}

func generateTable(cases int) string {
	var b strings.Builder
	for i := range cases {
		w := randomWalk(seeded{rand.New(rand.NewPCG(uint64(i), 7))})
		w.Name = fmt.Sprintf("walk-%03d", i)
		w.Desired = w.expect()
		line, err := json.Marshal(w)
		if err != nil {
			panic(err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestStepEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		randomFallbacks(drawn{t}, w)
		randomPauses(drawn{t}, w)
		if got, want := w.decide(), w.expect(); !equal(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}
