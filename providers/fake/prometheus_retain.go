package fake

import (
	"math"
	"time"
)

// retention decides how long samples are kept. Without any registered query
// they are kept for ever.
type retention struct {
	enabled bool
	reach   reach
	// last is the instant of the last pruning.
	last int64
}

func newRetention() retention {
	return retention{reach: reach{fixed: math.MaxInt64}, last: math.MinInt64}
}

// Retain registers queries, or none: from now on, samples are dropped when none
// of the registered queries can see them any more. Queries asked later are
// registered as they come; they miss what has been dropped before, which is an
// error.
func (p *Prometheus) Retain(queries ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, query := range queries {
		q, err := p.prepare(query, 0)
		if err != nil {
			return err
		}
		p.retain(q.reach)
	}
	p.enabled = true
	return nil
}

// retain widens the retention.
func (r *retention) retain(q reach) {
	r.reach.window = max(r.reach.window, q.window)
	r.reach.fixed = min(r.reach.fixed, q.fixed)
}

// pruneEvery is the shortest time between two prunings.
const pruneEvery = time.Minute

// prune drops what no registered query can see any more, at most once per
// quarter of the window, so that a sample costs constant time.
func (p *Prometheus) prune() {
	if !p.enabled {
		return
	}
	window := p.retention.reach.window + p.options.Keep
	pause := max(window/4, pruneEvery).Milliseconds()
	if p.last != math.MinInt64 && p.now-p.last < pause {
		return
	}
	p.last = p.now
	p.store.Prune(min(p.now-window.Milliseconds(), p.retention.reach.fixed))
}
