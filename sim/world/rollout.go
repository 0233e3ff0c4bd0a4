package world

import "slices"

// A rollout replaces the pods of a workload, a batch at a time.
type rollout struct {
	batch int
	// old are the pods that are still to be replaced.
	old []*Pod
	// moving keeps a pod that is ready at once from moving the rollout on
	// before its own batch is complete.
	moving bool
}

// Rollout replaces all pods there are now. The next batch goes once no pod is
// missing or starting.
func (w *Workload) Rollout(batch int) {
	w.advance(w.world.timeline.Now().UnixMilli())
	w.names.revise()
	w.rolling = &rollout{batch: batch, old: slices.Clone(w.pods)}
	w.roll()
}

// roll moves a rollout on as far as it can go now.
func (w *Workload) roll() {
	for w.rolling != nil && !w.rolling.moving && w.Target.unready == 0 {
		w.rolling.moving = true
		replaced := w.rolling.take(w)
		for range replaced {
			w.start(w.create())
		}
		w.count()
		w.world.reschedule()
		w.rolling.moving = false
		if len(w.rolling.old) == 0 {
			w.rolling = nil
		}
	}
}

// take deletes the next batch and returns how many pods that are.
func (r *rollout) take(w *Workload) int {
	taken := 0
	for len(r.old) > 0 && taken < r.batch {
		next := r.old[0]
		r.old = r.old[1:]
		if i := slices.Index(w.pods, next); i >= 0 {
			w.delete(i)
			taken++
		}
	}
	return taken
}
