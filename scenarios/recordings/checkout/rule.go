package main

import (
	"math"
	"time"
)

// rule is the autoscaler that ran while the recording was made, in the few
// lines that the policy in ../checkout.yaml needs: one metric, a limited number
// of replicas added or removed a minute, and a window before scaling down. It
// is written apart from the project's engine on purpose: the replicas in the
// recording are somebody else's decisions.
type rule struct {
	target   float64       // requests per second for one replica
	min, max int           // bounds
	up, down int           // replicas added and removed at most, per period
	period   time.Duration // of up and down
	window   time.Duration // a scale-down takes the highest recommendation in it

	recommended []event // recommendations, oldest first
	changes     []event // replicas added (> 0) or removed (< 0), oldest first
}

type event struct {
	at time.Time
	n  int
}

// production is the policy in ../checkout.yaml.
func production() *rule {
	return &rule{
		target: 8, min: 2, max: 20,
		up: 3, down: 2, period: time.Minute,
		window: 5 * time.Minute,
	}
}

// decide returns the number of replicas wanted at now, where current run and
// rate requests a second arrive.
func (r *rule) decide(now time.Time, current int, rate float64) int {
	want := int(math.Ceil(rate / r.target))

	r.recommended = append(within(r.recommended, now, r.window), event{now, want})
	r.changes = within(r.changes, now, r.period)
	if want < current {
		want = min(current, highest(r.recommended))
	}

	added, removed := 0, 0
	for _, c := range r.changes {
		added += max(c.n, 0)
		removed += max(-c.n, 0)
	}
	// A budget that is used up keeps the replicas; it never turns them back.
	want = min(want, max(current, current-added+r.up))
	want = max(want, min(current, current+removed-r.down))
	want = min(max(want, r.min), r.max)

	if want != current {
		r.changes = append(r.changes, event{now, want - current})
	}
	return want
}

func within(events []event, now time.Time, age time.Duration) []event {
	kept := events[:0]
	for _, e := range events {
		if now.Sub(e.at) < age {
			kept = append(kept, e)
		}
	}
	return kept
}

func highest(events []event) int {
	n := events[0].n
	for _, e := range events[1:] {
		n = max(n, e.n)
	}
	return n
}
