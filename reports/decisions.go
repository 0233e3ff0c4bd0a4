package reports

import (
	"container/heap"
	"sort"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
)

// A DecisionRun is a stretch of equal decisions of one object.
type DecisionRun struct {
	Object string `json:"object"`
	// First and Last are its slots, in Unix seconds.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	Slots int64 `json:"slots"`
	// Known says whether there is a desired count.
	Known   bool    `json:"known"`
	Desired float64 `json:"desired"`
	// Low and High are the range of recommendations; both -1 without any.
	Low    float64           `json:"low"`
	High   float64           `json:"high"`
	Reason autoscaler.Reason `json:"reason"`
	// Limit says what held the number, in words; empty where nothing did.
	Limit string `json:"limit,omitempty"`
	// Lacking is the time in seconds that lacked capacity under it, Lost the
	// replica-seconds missing.
	Lacking int64   `json:"lackingSeconds,omitempty"`
	Lost    float64 `json:"lostReplicaSeconds,omitempty"`
}

// maxRuns is the most runs of equal decisions that a report lists.
const maxRuns = 500

// runs keeps the runs that mattered most: those under which most capacity was
// missing, then the earliest.
type runs struct {
	kept  runHeap
	total int64
}

func (r *runs) add(run DecisionRun) {
	r.total++
	switch {
	case len(r.kept) < maxRuns:
		heap.Push(&r.kept, run)
	case less(&r.kept[0], &run):
		r.kept[0] = run
		heap.Fix(&r.kept, 0)
	}
}

// list returns what was kept, in order of time.
func (r *runs) list() []DecisionRun {
	list := append([]DecisionRun{}, r.kept...)
	sort.Slice(list, func(i, j int) bool {
		if list[i].First != list[j].First {
			return list[i].First < list[j].First
		}
		return list[i].Object < list[j].Object
	})
	return list
}

// less says whether run a matters less than b.
func less(a, b *DecisionRun) bool {
	if a.Lost != b.Lost {
		return a.Lost < b.Lost
	}
	if a.First != b.First {
		return a.First > b.First
	}
	return a.Object > b.Object
}

// runHeap has the run that matters least first.
type runHeap []DecisionRun

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return less(&h[i], &h[j]) }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(DecisionRun)) }
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// follows says whether a decision continues the run.
func (run *DecisionRun) follows(d *decision, limit string) bool {
	return run.Known == d.known && run.Desired == shown(d) && run.Reason == d.reason && run.Limit == limit
}

// extend adds a decision made at t.
func (run *DecisionRun) extend(t int64, d *decision) {
	run.Last = t
	run.Slots++
	if !d.recommending {
		return
	}
	if run.Low < 0 || d.recommended < run.Low {
		run.Low = d.recommended
	}
	run.High = max(run.High, d.recommended)
}

func shown(d *decision) float64 {
	if !d.known {
		return 0
	}
	return d.desired
}

// limitPhrase says what held the number, without instants, so that equal
// decisions stay equal.
func limitPhrase(d *decision, s *scorer) string {
	switch d.limit.Stage {
	case behavior.Bounds:
		if d.limit.Direction == behavior.Up {
			return "maxReplicas"
		}
		return "minReplicas"
	case behavior.Stabilization:
		if d.limit.Direction == behavior.Up {
			return "scale-up window"
		}
		return "scale-down window"
	case behavior.Rate:
		return s.rateLimit(&d.limit)
	}
	return ""
}
