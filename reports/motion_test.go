package reports

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// motionFigures are those that TestMotion has hand-computed.
var motionFigures = []string{
	"billed_replica_hours", "stale_decision_minutes", "instability_percent", "jitter_per_hour",
	"time_to_scale_median_seconds", "time_to_scale_p95_seconds", "time_to_scale_max_seconds",
	"metric_lag_median_seconds", "metric_lag_p95_seconds", "metric_lag_max_seconds",
	"decision_lag_median_seconds", "decision_lag_p95_seconds", "decision_lag_max_seconds",
	"provider_lag_median_seconds", "provider_lag_p95_seconds", "provider_lag_max_seconds",
	"demand_steps", "unsettled_steps", "settling_median_seconds", "settling_p95_seconds", "settling_max_seconds",
	"overshoot_replicas", "regret_replica_hours", "regret_cost", "regret_breach_minutes",
}

func ofMotion(name string, _ float64) bool {
	for _, known := range motionFigures {
		if name == known {
			return true
		}
	}
	return false
}

// bootDelay sets the delay of the oracle, in minutes.
func bootDelay(run *Run, minutes int64) *Run {
	run.Columns[0].Objects[0].BootDelay = minutes * 60
	return run
}

func TestMotion(t *testing.T) {
	unknown := math.NaN()
	cases := map[string]struct {
		reason string
		run    *Run
		want   Figures
	}{
		"Step": {
			reason: "needed 2, then 5 from 10 min; recommended at 11, asked for at 12, ready at 14: a minute of metric, one of decision, two of provider lag; " +
				"needed and ready move in one minute of 20 each, never the same; the oracle asks at 8 min: 2 for 8 and 5 for 12 min, the policy 2 for 12 and 5 for 8",
			run: bootDelay(oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 14, 5), steps(0, 2, 12, 5),
				stages([4]float64{0, 2, 2, 2}, [4]float64{11, 5, 2, 2}, [4]float64{12, 5, 5, 5})), 2),
			want: Figures{
				"billed_replica_hours": 64 / 60.0, "stale_decision_minutes": 0, "instability_percent": 10, "jitter_per_hour": 0,
				"time_to_scale_median_seconds": 240, "time_to_scale_p95_seconds": 240, "time_to_scale_max_seconds": 240,
				"metric_lag_median_seconds": 60, "metric_lag_p95_seconds": 60, "metric_lag_max_seconds": 60,
				"decision_lag_median_seconds": 60, "decision_lag_p95_seconds": 60, "decision_lag_max_seconds": 60,
				"provider_lag_median_seconds": 120, "provider_lag_p95_seconds": 120, "provider_lag_max_seconds": 120,
				"demand_steps": 1, "unsettled_steps": 0, "settling_median_seconds": 240, "settling_p95_seconds": 240, "settling_max_seconds": 240,
				"overshoot_replicas": 0, "regret_replica_hours": (64 - 76) / 60.0, "regret_breach_minutes": 4,
			},
		},
		"Overshoot": {
			reason: "needed 2, 10 from 5 to 15 min, then 2: ready 13 at 6 and 11 at 8, which is within 10 %; on the way down 6 at 16 and never 2",
			run: oneColumn(25, steps(0, 2, 5, 10, 15, 2), steps(0, 2, 6, 13, 8, 11, 16, 6), steps(0, 2, 6, 13, 8, 11, 16, 6),
				decided(0, 2, 6, 13, 8, 11, 16, 6)),
			want: Figures{
				"billed_replica_hours": (6*2 + 2*13 + 8*11 + 9*6) / 60.0, "stale_decision_minutes": 0,
				"instability_percent": 100 * 5 / 25.0, "jitter_per_hour": 60 / 25.0,
				"time_to_scale_median_seconds": 60, "time_to_scale_p95_seconds": 60, "time_to_scale_max_seconds": 60,
				"metric_lag_median_seconds": 60, "metric_lag_p95_seconds": 60, "metric_lag_max_seconds": 60,
				"decision_lag_median_seconds": 0, "decision_lag_p95_seconds": 0, "decision_lag_max_seconds": 0,
				"provider_lag_median_seconds": 0, "provider_lag_p95_seconds": 0, "provider_lag_max_seconds": 0,
				"demand_steps": 2, "unsettled_steps": 1, "settling_median_seconds": 180, "settling_p95_seconds": 600, "settling_max_seconds": 600,
				"overshoot_replicas": 3, "regret_replica_hours": (180 - 130) / 60.0, "regret_breach_minutes": 1,
			},
		},
		"Ramp": {
			reason: "needed 1 to 5, one more each minute; ready follows a minute later, from 1: all minutes but the first move alike, no level lasts; " +
				"the oracle with a minute's delay asks 2, 3, 4, 5, 5 but has 1 ready at the start like anybody",
			run: bootDelay(oneColumn(5, steps(0, 1, 1, 2, 2, 3, 3, 4, 4, 5), steps(0, 1, 2, 2, 3, 3, 4, 4), steps(0, 1, 2, 2, 3, 3, 4, 4),
				decided(0, 1, 2, 2, 3, 3, 4, 4)), 1),
			want: Figures{
				"billed_replica_hours": (2*1 + 2 + 3 + 4) / 60.0, "stale_decision_minutes": 0,
				"instability_percent": 20, "jitter_per_hour": -12,
				"time_to_scale_median_seconds": 240, "time_to_scale_p95_seconds": 240, "time_to_scale_max_seconds": 240,
				"metric_lag_median_seconds": 240, "metric_lag_p95_seconds": 240, "metric_lag_max_seconds": 240,
				"decision_lag_median_seconds": 0, "decision_lag_p95_seconds": 0, "decision_lag_max_seconds": 0,
				"provider_lag_median_seconds": 0, "provider_lag_p95_seconds": 0, "provider_lag_max_seconds": 0,
				"demand_steps": 0, "unsettled_steps": 0,
				"regret_replica_hours": (11 - 19) / 60.0, "regret_breach_minutes": 4,
			},
		},
		"TwoStretches": {
			reason: "breached for 1, then 3, then 1 min: the median is 1, what 95 % do not exceed is the longest; an unknown minute ends the last",
			run:    oneColumn(20, steps(0, 2, 2, 3, 3, 2, 6, 3, 9, 2, 15, 3, 16, unknown), steps(0, 2), steps(0, 2), nil),
			want: Figures{
				"billed_replica_hours": 40 / 60.0, "instability_percent": 100 * 5 / 15.0, "jitter_per_hour": -5 * 60 / 16.0,
				"time_to_scale_median_seconds": 60, "time_to_scale_p95_seconds": 180, "time_to_scale_max_seconds": 180,
				"demand_steps": 1, "unsettled_steps": 0, "settling_median_seconds": 0, "settling_p95_seconds": 0, "settling_max_seconds": 0,
				"regret_replica_hours": (32 - 37) / 60.0, "regret_breach_minutes": 5,
			},
		},
		"ZeroDemand": {
			reason: "no demand, one replica: nothing is divided by zero, and the oracle asks for none",
			run:    oneColumn(10, steps(0, 0), steps(0, 1), steps(0, 1), decided(0, 1)),
			want: Figures{
				"billed_replica_hours": 10 / 60.0, "stale_decision_minutes": 0, "instability_percent": 0, "jitter_per_hour": 0,
				"demand_steps": 0, "unsettled_steps": 0, "regret_replica_hours": 10 / 60.0, "regret_breach_minutes": 0,
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := computed(t, c.run)
			others := cmpopts.IgnoreMapEntries(func(name string, v float64) bool { return !ofMotion(name, v) })
			if diff := cmp.Diff(c.want, r.Columns[0].Figures, cmpopts.EquateApprox(1e-12, 1e-12), others); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestStaleDecisions(t *testing.T) {
	// Decided each minute for 10 min, but for slots 3 and 4; a metric failed at 6,
	// and the target could not be read at 8.
	lines := func(yield func(*journal.Line) error) error {
		return decided(0, 2, 1, 2, 2, 2, 5, 2, 6, 2, 7, 2, 8, 2, 9, 2)(func(l *journal.Line) error {
			switch r := l.Record; r.Slot {
			case 6 * 60:
				r.Metrics = []journal.Metric{{Code: observation.Empty}, {}}
			case 8 * 60:
				r.Known = false
			}
			return yield(l)
		})
	}
	run := oneColumn(10, Steps{}, Steps{}, Steps{}, lines)
	run.Columns[0].Objects[0].Policy = &policy.Autoscaler{Interval: 60}
	if got := computed(t, run).Columns[0].Figures.Get("stale_decision_minutes"); got != 4 {
		t.Errorf("2 min overdue, 1 without a metric and 1 without the target make 4 stale minutes, not %v", got)
	}
}

func TestBilling(t *testing.T) {
	cases := map[string]struct {
		reason  string
		billing Billing
		units   Steps
		want    float64 // unit-minutes
	}{
		"Exact":     {"without billing, the integral", Billing{}, steps(0, 2, 10, 5, 13, 3), 2*20 + 3*3 + 7},
		"Minimum":   {"the two newest were there for 3 min and are billed 10", Billing{Minimum: 600}, steps(0, 2, 10, 5, 13, 3), 2*20 + 2*10 + 10},
		"Increment": {"2 for 20 min, 2 for 3, 1 for 10: each rounded up to 15 min", Billing{Increment: 900}, steps(0, 2, 10, 5, 13, 3), 2*30 + 2*15 + 15},
		"Both":      {"a minimum of 20 min counts 2 increments of 15", Billing{Minimum: 1200, Increment: 900}, steps(0, 1), 30},
		"Unknown":   {"unknown time is not billed", Billing{}, steps(0, 2, 5, math.NaN(), 15, 1), 10 + 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := oneColumn(20, Steps{}, Steps{}, c.units, decided(0, 2))
			run.Columns[0].Objects[0].Billing, run.Columns[0].Objects[0].Price = c.billing, 3
			f := computed(t, run).Columns[0].Figures
			if got := f.Get("billed_replica_hours") * 60; math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%s: billed %v replica-minutes, want %v", c.reason, got, c.want)
			}
			if got := f.Get("cost"); math.Abs(got-c.want*3/60) > 1e-9 {
				t.Errorf("%s: costs %v, want %v", c.reason, got, c.want*3/60)
			}
		})
	}
}

func TestOracle(t *testing.T) {
	unknown := math.NaN()
	cases := map[string]struct {
		reason               string
		delay                int64 // minutes
		needed, start        Steps
		wantAsked, wantReady Steps
	}{
		"AtOnce":  {"without a delay it is the demand", 0, steps(0, 2, 10, 5, 15, 1), steps(0, 2), steps(0, 2, 10, 5, 15, 1), steps(0, 2, 10, 5, 15, 1)},
		"Step":    {"it asks 3 min ahead and is ready just in time", 3, steps(0, 2, 10, 5, 15, 1), steps(0, 2), steps(0, 2, 7, 5, 15, 1), steps(0, 2, 10, 5, 15, 1)},
		"Valley":  {"what is needed again within the delay is kept", 5, steps(0, 4, 10, 1, 14, 4), steps(0, 4), steps(0, 4), steps(0, 4)},
		"Valley2": {"a longer one is used for as long as it lasts beyond the delay", 2, steps(0, 4, 10, 1, 14, 4), steps(0, 4), steps(0, 4, 10, 1, 12, 4), steps(0, 4, 10, 1, 14, 4)},
		"Start":   {"what is not ready at the start takes the delay", 3, steps(0, 5), steps(0, 2), steps(0, 5), steps(0, 2, 3, 5)},
		"Gap":     {"unknown demand counts as the last known, before that as the first", 0, steps(0, unknown, 5, 3, 8, unknown, 12, 1), steps(0, 3), steps(0, 3, 12, 1), steps(0, 3, 12, 1)},
		"Rounded": {"replicas are whole", 0, steps(0, 1.2), steps(0, 2), steps(0, 2), steps(0, 2)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := newOracle(&Object{Needed: c.needed, Ready: c.start, BootDelay: c.delay * 60}, 0, 20*60)
			if diff := cmp.Diff([]Steps{c.wantAsked, c.wantReady}, []Steps{got.asked, got.ready}); diff != "" {
				t.Errorf("%s: asked, ready (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
