package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// flat returns n decisions' worth of one rate.
func flat(rate float64, n int) []float64 {
	rates := make([]float64, n)
	for i := range rates {
		rates[i] = rate
	}
	return rates
}

func TestRule(t *testing.T) {
	cases := map[string]struct {
		reason string
		start  int
		rates  []float64 // one each 15 s
		want   []int
	}{
		"Idle": {
			reason: "The lower bound holds without load.",
			start:  2, rates: flat(0, 3), want: []int{2, 2, 2},
		},
		"RateLimitedUp": {
			reason: "Three replicas a minute are added; an addition a whole minute old is forgotten.",
			start:  2, rates: flat(64, 9), want: []int{5, 5, 5, 5, 8, 8, 8, 8, 8},
		},
		"SplitBudget": {
			reason: "What is left of a minute's budget may be used within it.",
			start:  2, rates: []float64{20, 80, 80, 80, 80, 80}, want: []int{3, 5, 5, 5, 6, 8},
		},
		"UpperBound": {
			reason: "No load gets more than the largest number.",
			start:  19, rates: flat(1000, 2), want: []int{20, 20},
		},
		"WindowThenRateLimitedDown": {
			reason: "The last high recommendation counts for less than five minutes; then two go a minute.",
			start:  8, rates: append([]float64{64}, flat(16, 26)...),
			want: []int{
				8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // 5 minutes
				6, 6, 6, 6, 4, 4, 4,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			policy := production()
			now, replicas := time.Unix(0, 0), tc.start
			var got []int
			for _, rate := range tc.rates {
				replicas = policy.decide(now, replicas, rate)
				got = append(got, replicas)
				now = now.Add(decideEvery)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nreplicas (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRateAt(t *testing.T) {
	cases := map[string]struct {
		reason string
		hour   float64
		want   float64
	}{
		"Midnight":   {"The first point.", 0, 14},
		"Between":    {"Halfway between two points.", 8, 50},
		"FlashCrowd": {"It lasts until 16:00.", 14, 235},
		"End":        {"The last point.", 24, 14},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := rateAt(tc.hour); got != tc.want {
				t.Errorf("%s\nrateAt(%g) = %g, want %g", tc.reason, tc.hour, got, tc.want)
			}
		})
	}
}
