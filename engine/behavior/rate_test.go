package behavior

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

const now = slot.Slot(1_000_000)

func count(value, period int32) policy.Rate {
	return policy.Rate{Type: policy.Count, Value: value, Period: period}
}

func percent(value, period int32) policy.Rate {
	return policy.Rate{Type: policy.Percent, Value: value, Period: period}
}

func limitedBy(selected policy.Select, rates ...policy.Rate) *policy.Rules {
	return &policy.Rules{Select: selected, Policies: rates}
}

// history is a series of changes 100, 60 and 20 seconds ago.
func history(sign int32, sizes ...int32) []Event {
	var events []Event
	for i, size := range sizes {
		events = append(events, Event{Slot: now - 100 + slot.Slot(40*i), Delta: sign * size})
	}
	return events
}

var free = &policy.Rules{Select: policy.SelectMax}

// TestHPARateCases holds the black-box cases 48 to 67 of Kubernetes' autoscaler,
// by their numbers in the project's survey, through rate limit and bounds.
func TestHPARateCases(t *testing.T) {
	most := policy.SelectMax
	cases := map[string]struct {
		reason       string
		rules        *policy.Rules // of the direction of the change
		events       []Event
		current, raw int32
		low, high    int32
		want         int32
		stage        Stage
	}{
		"48":      {"within bounds", free, nil, 5, 7, 3, 8, 7, ""},
		"49":      {"too few", free, nil, 3, 1, 2, 8, 2, Bounds},
		"50":      {"too many", free, nil, 20, 1000, 1, 10, 10, Bounds},
		"51":      {"1 % of 3 is rounded up to one replica", limitedBy(most, percent(1, 60)), nil, 3, 1000, 1, 2000, 4, Rate},
		"52":      {"HPA's default: twice, or 4 more", limitedBy(most, count(4, 15), percent(100, 15)), nil, 10, 50, 1, 2000, 20, Rate},
		"53":      {"the larger of 100 pods and 100 %", limitedBy(most, count(100, 60), percent(100, 60)), nil, 10, 500, 1, 2000, 110, Rate},
		"54":      {"the larger of 2 pods and 100 %", limitedBy(most, count(2, 60), percent(100, 60)), nil, 10, 500, 1, 2000, 20, Rate},
		"55":      {"30 more", limitedBy(most, count(30, 60)), nil, 10, 50, 1, 2000, 40, Rate},
		"56":      {"200 % more", limitedBy(most, percent(200, 60)), nil, 10, 50, 1, 2000, 30, Rate},
		"57":      {"the larger of 20 pods and 1 % fewer", limitedBy(most, count(20, 60), percent(1, 60)), nil, 100, 2, 1, 2000, 80, Rate},
		"58":      {"the larger of 2 pods and 1 % fewer", limitedBy(most, count(2, 60), percent(1, 60)), nil, 100, 2, 1, 2000, 98, Rate},
		"59":      {"15 were added, 5 allowed: no step back", limitedBy(most, count(5, 120)), history(1, 1, 5, 9), 100, 500, 1, 2000, 100, Rate},
		"60":      {"150 from the 85 at the period's start", limitedBy(most, count(150, 120)), history(1, 1, 5, 9), 100, 500, 1, 2000, 235, Rate},
		"61":      {"200 % of the 85 at the period's start", limitedBy(most, percent(200, 120)), history(1, 1, 5, 9), 100, 500, 1, 2000, 255, Rate},
		"62":      {"both directions move the start: 6 - 4 + 2", limitedBy(most, percent(300, 300)), []Event{{now - 60, 4}, {now - 60, -2}}, 6, 24, 1, 2000, 16, Rate},
		"63":      {"half of the 112 at the period's start", limitedBy(most, percent(50, 120)), history(-1, 2, 4, 6), 100, 0, 0, 2000, 56, Rate},
		"64":      {"half of 10 - 2 + 4", limitedBy(most, percent(50, 180)), []Event{{now - 60, 2}, {now - 60, -4}}, 10, 1, 1, 2000, 6, Rate},
		"65":      {"30 of 130 were removed, 13 allowed: no step back", limitedBy(most, percent(10, 120)), history(-1, 10, 10, 10), 100, 0, 0, 2000, 100, Rate},
		"66":      {"1000 % fewer is all", limitedBy(most, percent(1000, 120)), history(-1, 10, 10, 10), 10, 5, 1, 2000, 5, ""},
		"67 up":   {"the smaller of 2 pods and 50 %", limitedBy(policy.SelectMin, count(2, 60), percent(50, 60)), nil, 1, 100, 1, 2000, 2, Rate},
		"67 down": {"the smaller of 2 pods and 50 %", limitedBy(policy.SelectMin, count(2, 60), percent(50, 60)), nil, 5, 1, 1, 2000, 3, Rate},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// Both directions have the rules: only that of the change may count.
			got, limit := RateLimit(c.rules, c.rules, c.events, now, c.current, c.raw)
			got, bounds := Bound(got, c.low, c.high)
			if bounds.Stage != "" {
				limit = bounds
			}
			if got != c.want || limit.Stage != c.stage {
				t.Errorf("%s: got %d by %q, want %d by %q", c.reason, got, limit.Stage, c.want, c.stage)
			}
		})
	}
}

// TestRateLimit holds what is said of a limit: used and left in replicas, and
// when the budget next grows.
func TestRateLimit(t *testing.T) {
	cases := map[string]struct {
		reason          string
		up, down        *policy.Rules
		events          []Event
		current, wanted int32
		want            int32
		limit           Limit
	}{
		"Untouched": {
			"at the limit is not limited",
			limitedBy(policy.SelectMax, count(4, 60)), free, nil, 10, 14, 14, Limit{}},
		"FreshBudget": {
			"nothing used: the budget grows again when this change leaves the period",
			limitedBy(policy.SelectMax, count(4, 60)), free, nil, 10, 15, 14,
			Limit{Rate, Up, 0, 0, 4, now + 60}},
		"PartlyUsed": {
			"3 of 4 were used 40 s ago",
			limitedBy(policy.SelectMax, count(4, 60)), free, []Event{{now - 40, 3}}, 10, 15, 11,
			Limit{Rate, Up, 0, 3, 1, now + 20}},
		"UsedUp": {
			"the oldest that counts leaves first",
			limitedBy(policy.SelectMax, count(4, 60)), free, []Event{{now - 70, 9}, {now - 50, 1}, {now - 10, 3}}, 10, 15, 10,
			Limit{Rate, Up, 0, 4, 0, now + 10}},
		"ExactlyAsOld": {
			"an event as old as the period is out",
			limitedBy(policy.SelectMax, count(4, 60)), free, []Event{{now - 60, 4}}, 10, 15, 14,
			Limit{Rate, Up, 0, 0, 4, now + 60}},
		"OneSecondYounger": {
			"and one second earlier it was in",
			limitedBy(policy.SelectMax, count(4, 60)), free, []Event{{now - 59, 4}}, 10, 15, 10,
			Limit{Rate, Up, 0, 4, 0, now + 1}},
		"OtherDirection": {
			"what was removed may be added again: used is negative",
			limitedBy(policy.SelectMax, count(4, 60)), free, []Event{{now - 30, -3}}, 10, 20, 17,
			Limit{Rate, Up, 0, -3, 7, now + 60}},
		"Down": {
			"the way down has its own rules and signs",
			free, limitedBy(policy.SelectMax, count(5, 300)), []Event{{now - 100, -2}}, 10, 1, 7,
			Limit{Rate, Down, 0, 2, 3, now + 200}},
		"DownPercent": {
			"half of 12, of which 2 are gone",
			free, limitedBy(policy.SelectMax, percent(50, 300)), []Event{{now - 100, -2}}, 10, 1, 6,
			Limit{Rate, Down, 0, 2, 4, now + 200}},
		"SelectedMax": {
			"the policy that allows most is named",
			limitedBy(policy.SelectMax, count(2, 30), count(7, 60), percent(10, 90)), free, nil, 10, 99, 17,
			Limit{Rate, Up, 1, 0, 7, now + 60}},
		"SelectedMin": {
			"the policy that allows least is named",
			limitedBy(policy.SelectMin, count(2, 30), count(7, 60), percent(10, 90)), free, nil, 10, 99, 11,
			Limit{Rate, Up, 2, 0, 1, now + 90}},
		"SelectedMaxDown": {
			"most means furthest down",
			free, limitedBy(policy.SelectMax, count(2, 30), percent(50, 60)), nil, 10, 0, 5,
			Limit{Rate, Down, 1, 0, 5, now + 60}},
		"SelectedMinDown": {
			"least means nearest",
			free, limitedBy(policy.SelectMin, count(2, 30), percent(50, 60)), nil, 10, 0, 8,
			Limit{Rate, Down, 0, 0, 2, now + 30}},
		"Tie": {
			"among equals the first is named",
			limitedBy(policy.SelectMax, count(1, 30), percent(10, 60)), free, nil, 10, 99, 11,
			Limit{Rate, Up, 0, 0, 1, now + 30}},
		"Disabled": {
			"no policy, no budget, no end",
			limitedBy(policy.Disabled, count(4, 60)), free, nil, 10, 15, 10,
			Limit{Rate, Up, -1, 0, 0, 0}},
		"DisabledDown": {
			"only in its own direction",
			free, limitedBy(policy.Disabled), nil, 10, 1, 10,
			Limit{Rate, Down, -1, 0, 0, 0}},
		"DisabledOther": {
			"a disabled way down leaves the way up open",
			free, limitedBy(policy.Disabled), nil, 10, 15, 15, Limit{}},
		"NoPolicies": {
			"no policy means no limit",
			free, free, nil, 1, math.MaxInt32, math.MaxInt32, Limit{}},
		"NoPoliciesDown": {
			"down neither",
			free, free, nil, math.MaxInt32, 0, 0, Limit{}},
		"PercentOfZero": {
			"a Percent policy alone can leave 0, one replica at a time",
			limitedBy(policy.SelectMax, percent(100, 60)), free, nil, 0, 9, 1,
			Limit{Rate, Up, 0, 0, 1, now + 60}},
		"PercentOfOne": {
			"1 % of little is one replica",
			limitedBy(policy.SelectMax, percent(1, 60)), free, nil, 1, 9, 2,
			Limit{Rate, Up, 0, 0, 1, now + 60}},
		"PercentNoise": {
			"10 x 1.1 is 11.000000000000002 in floats",
			limitedBy(policy.SelectMax, percent(10, 60)), free, nil, 10, 99, 11,
			Limit{Rate, Up, 0, 0, 1, now + 60}},
		"PercentNoiseDown": {
			"10 x 0.9 is 9, whatever the last bit says",
			free, limitedBy(policy.SelectMax, percent(10, 60)), nil, 10, 1, 9,
			Limit{Rate, Down, 0, 0, 1, now + 60}},
		"CountOverflow": {
			"2147483647 more does not wrap, as HPA's does",
			limitedBy(policy.SelectMax, count(math.MaxInt32, 60)), free, nil, 10, math.MaxInt32, math.MaxInt32, Limit{}},
		"UsedSaturates": {
			"events of more than int32 in sum are said as the largest count",
			limitedBy(policy.SelectMax, count(1, 60)), free,
			[]Event{{now - 30, math.MaxInt32}, {now - 20, math.MaxInt32}}, 10, 20, 10,
			Limit{Rate, Up, 0, math.MaxInt32, 0, now + 30}},
		"Same": {
			"no change has no direction to limit",
			limitedBy(policy.Disabled), limitedBy(policy.Disabled), nil, 10, 10, 10, Limit{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, limit := RateLimit(c.up, c.down, c.events, now, c.current, c.wanted)
			if got != c.want {
				t.Errorf("%s: got %d, want %d", c.reason, got, c.want)
			}
			if diff := cmp.Diff(c.limit, limit); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// Whatever the rules and the history, the result lies between the current count
// and the wanted one, and a limit is said exactly where it is not the wanted one.
func TestRateLimitNeverPushes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := func(name string) *policy.Rules {
			r := &policy.Rules{Select: rapid.SampledFrom([]policy.Select{policy.SelectMax, policy.SelectMin, policy.Disabled}).Draw(t, name)}
			for range rapid.IntRange(0, 3).Draw(t, "policies") {
				r.Policies = append(r.Policies, policy.Rate{
					Type:   rapid.SampledFrom([]policy.RateType{policy.Count, policy.Percent}).Draw(t, "type"),
					Value:  rapid.Int32Range(1, math.MaxInt32).Draw(t, "value"),
					Period: rapid.Int32Range(1, 1800).Draw(t, "period"),
				})
			}
			return r
		}
		var events []Event
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			events = append(events, Event{now - slot.Slot(rapid.Int32Range(1, 2000).Draw(t, "age")), rapid.Int32().Draw(t, "delta")})
		}
		current, wanted := rapid.Int32Range(0, math.MaxInt32).Draw(t, "current"), rapid.Int32Range(0, math.MaxInt32).Draw(t, "wanted")
		got, limit := RateLimit(rules("up"), rules("down"), events, now, current, wanted)
		if got < min(current, wanted) || got > max(current, wanted) {
			t.Fatalf("from %d to %d: got %d", current, wanted, got)
		}
		if (limit == Limit{}) != (got == wanted) {
			t.Fatalf("from %d to %d: got %d with limit %+v", current, wanted, got, limit)
		}
	})
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		reason                  string
		wanted, low, high, want int32
		limit                   Limit
	}{
		{"the lower bound is allowed", 2, 2, 8, 2, Limit{}},
		{"the upper bound is allowed", 8, 2, 8, 8, Limit{}},
		{"above", 9, 2, 8, 8, Limit{Stage: Bounds, Direction: Up, Policy: -1}},
		{"below", 1, 2, 8, 2, Limit{Stage: Bounds, Direction: Down, Policy: -1}},
		{"0 is a bound like any other", 3, 0, 0, 0, Limit{Stage: Bounds, Direction: Up, Policy: -1}},
	} {
		got, limit := Bound(c.wanted, c.low, c.high)
		if diff := cmp.Diff(c.limit, limit); got != c.want || diff != "" {
			t.Errorf("%s: got %d, want %d (-want +got):\n%s", c.reason, got, c.want, diff)
		}
	}
}
