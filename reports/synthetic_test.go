package reports

import (
	"math"
	"time"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// checkout is the object of the synthetic runs.
var checkout = journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "shop", Name: "checkout"}

// A synthetic run has a shop's week as demand, decided by the real step under a
// policy with every kind of limit, and replicas that take time to start.
type synthetic struct {
	start, seconds int64
	startUp        int64 // seconds from asked for to ready
	busy           bool  // demand wobbles so much that every slot decides anew
}

const capacity = 100 // requests a second that one replica serves

// demand is in requests a second.
func (s *synthetic) demand(t int64) float64 {
	dayTime := float64(t%day) / day
	load := 700 - 450*math.Cos(2*math.Pi*(dayTime-0.1))
	weekday := time.Unix(t, 0).UTC().Weekday()
	if weekday == time.Friday {
		switch minute := t % day / 60; {
		case minute >= 18*60 && minute < 18*60+25:
			load += 1500
		case minute >= 12*60 && minute < 12*60+6:
			load += 400
		}
	}
	if s.busy {
		load += 260 * math.Sin(float64(t)*1.7)
	} else {
		load += 18 * math.Sin(float64(t)/97)
	}
	return load
}

func (s *synthetic) policy(most int32) *policy.Autoscaler {
	return &policy.Autoscaler{
		Target: policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "checkout"},
		Min:    3, Max: most, Interval: 10,
		Metrics: []policy.Metric{{Query: `sum(rate(http_requests_total{service="checkout"}[2m]))`, Type: policy.AverageValue, Target: capacity}},
		Up:      policy.Rules{Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}}},
		Down:    policy.Rules{Window: 300, Select: policy.SelectMax, Policies: []policy.Rate{}},
	}
}

// column runs the step over the demand.
func (s *synthetic) column(name string, p *policy.Autoscaler) Column {
	var needed, spec, ready Steps
	state, current := autoscaler.State{}, int32(4)
	type record = journal.Record
	var records []record
	body := string(p.Encode())
	ready.Append(s.start, float64(current))
	pending := []struct {
		t int64
		n float64
	}{}
	for t := s.start; t < s.start+s.seconds; t += 10 {
		for len(pending) > 0 && pending[0].t <= t {
			ready.Append(pending[0].t, pending[0].n)
			pending = pending[1:]
		}
		needed.Append(t, s.demand(t)/capacity)
		var sum float64
		for k := int64(0); k < 12; k++ { // a rate over two minutes lags
			sum += s.demand(t - 10*k)
		}
		in := autoscaler.Input{Slot: slot.Slot(t), Scale: autoscaler.Scale{Spec: current, Status: current}, Metrics: []autoscaler.Sample{{Value: sum / 12}}}
		r := record{Object: checkout, Generation: 1, Slot: in.Slot, Policy: policy.Digest(p.Encode()), Scale: in.Scale,
			Metrics: []journal.Metric{{Query: p.Metrics[0].Query, At: in.Slot, Value: in.Metrics[0].Value}}}
		if t == s.start {
			r.PolicyBody, r.Bodies = body, true
		}
		var d autoscaler.Decision
		state, d = autoscaler.Step(p, state, &in)
		r.Decide(p, &d)
		records = append(records, r)
		spec.Append(t, float64(d.Desired))
		if d.Desired < current {
			ready.Append(t, float64(d.Desired))
			pending = nil
		} else if d.Desired > current {
			pending = append(pending, struct {
				t int64
				n float64
			}{t + s.startUp, float64(d.Desired)})
		}
		current = d.Desired
	}
	return Column{
		Name: name, Digest: "sha256:4c8b1e2f9a7d", File: "decisions.jsonl",
		Objects: []Object{{Journal: checkout, Target: cycle.TargetRef{Name: "checkout"}, Policy: p, Needed: needed, Ready: ready, Spec: spec,
			Responses: []result.Response{{Query: p.Metrics[0].Query, Total: true, Factor: capacity}}}},
		Journal: func(yield func(*journal.Line) error) error {
			for i := range records {
				if err := yield(&journal.Line{Record: &records[i]}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// recorded is what another, slower policy did, without its decisions.
func (s *synthetic) recorded() Column {
	p := s.policy(18)
	p.Up.Policies[0].Value = 2
	c := s.column(Recorded, p)
	c.Journal, c.File, c.Digest = nil, "", ""
	c.Objects[0].Policy = nil
	return c
}

func (s *synthetic) run() *Run {
	evening := monday + 4*day + 18*3600
	run := &Run{
		Name: "checkout", Description: "A shop's week; on Friday evening a sale begins.",
		Version: "v0.2.0", Command: "karpenter replay -f checkout.yaml --recording checkout/ --variant more=spec.maxReplicas=30 --tz UTC --out out",
		Seed: 42, Start: s.start, End: s.start + s.seconds, Loop: result.DemandDriven,
		Fidelity: &Fidelity{Agreement: result.Agreement{Percent: 97.23, Slots: s.seconds / 10}},
		Assumptions: []string{
			"needed capacity from the current policy's metric and target: 100 per replica",
			"lookback 5 min", "replicas recorded from kube_deployment_status_replicas_ready", "start-up 90 s, the recording's median",
		},
		Columns: []Column{s.recorded(), s.column(Current, s.policy(20)), s.column("more", s.policy(30))},
		Expectations: []Expectation{
			{Name: "calm", Kind: "report", Expr: "reversals <= 60", Passed: true},
			{Name: "enough", Kind: "always", Expr: `kube_deployment_status_replicas_ready >= bool 18`, Passed: false, Message: "not true for all samples",
				Series: `kube_deployment_status_replicas_ready{deployment="checkout"}`, Value: "17", At: s.start + 3600, File: "scenarios/checkout.yaml", Line: 31,
				Excerpts: []Excerpt{{Series: `kube_deployment_status_replicas_ready{deployment="checkout"}`,
					Values: Steps{T: []int64{s.start + 3540, s.start + 3570, s.start + 3600, s.start + 3630}, V: []float64{20, 18, 17, 19}}}}},
		},
		Faults: []Fault{
			{Name: "Prometheus down", From: evening + 300, To: evening + 720, Probability: 1},
			{Name: "API conflicts", From: evening, To: evening + 1800, Probability: 0.3},
			{Name: "leader change", From: evening + 1200, To: evening + 1200},
		},
	}
	for i := range run.Columns {
		run.Columns[i].Objects[0].BootDelay = s.startUp
	}
	if err := AddReferences(run); err != nil {
		panic(err)
	}
	return run
}

// monday is Monday 5 January 2026, 00:00 UTC.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).Unix()
