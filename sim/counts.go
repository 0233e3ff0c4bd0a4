package sim

import (
	"math"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A countedTarget is one whose counts are PromQL over the input.
type countedTarget struct {
	run      *run
	target   *world.Target
	path     string
	declared scenario.Counts
	// status and ready are the last values, -1 before the first.
	status, ready int32
	// statusSeen and readySeen say whether there ever was a value.
	statusSeen, readySeen bool
}

// addCounts has the counts evaluated at every scrape and at every slot of whoever
// scales the target, before it decides.
func (r *run) addCounts() error {
	scrapes := fake.Grid{Start: r.in.start, Interval: time.Duration(r.in.File.Spec.Prometheus.ScrapeInterval), End: r.in.end}
	for _, c := range r.counted {
		c.status, c.ready = -1, -1
		grids := []fake.Grid{scrapes}
		for _, p := range r.played {
			if p.target == c.target {
				grids = append(grids, p.slots())
			}
		}
		for _, grid := range grids {
			if err := c.follow(grid); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow counts at the instants of a grid.
func (c *countedTarget) follow(grid fake.Grid) error {
	r := c.run
	var texts []string
	for _, text := range []string{c.declared.Status, c.declared.Ready} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return r.in.feed(texts, nil) }, fake.Options{Lookback: r.in.Lookback, Features: r.in.features})
	r.closers = append(r.closers, ahead)
	parts := []*countPart{
		{name: "status", text: c.declared.Status, value: &c.status, seen: &c.statusSeen},
		{name: "ready", text: c.declared.Ready, value: &c.ready, seen: &c.readySeen},
	}
	for _, part := range parts {
		if part.text == "" {
			continue
		}
		var err error
		if part.query, err = ahead.Add(part.text, grid); err != nil {
			return r.in.File.Doc.Errorf(c.path+"."+part.name, "%v", err)
		}
	}
	ref := c.target.Ref
	r.queue.schedule(grid.Start, transition, "counts/"+ref.Kind+"/"+ref.Namespace+"/"+ref.Name, func() (int64, error) {
		now := r.queue.clock.now.UnixMilli()
		for _, part := range parts {
			if err := c.ask(part, now); err != nil {
				return 0, err
			}
		}
		c.target.Count(c.status, c.ready)
		return now + grid.Interval.Milliseconds(), nil
	})
	return nil
}

// A countPart is one of the two expressions on one grid.
type countPart struct {
	name, text string
	query      *fake.Preevaluated
	value      *int32
	seen       *bool
}

// ask takes over the count at an instant, where there is one.
func (c *countedTarget) ask(part *countPart, now int64) error {
	if part.query == nil || now >= c.run.in.end {
		return nil
	}
	doc, path := c.run.in.File.Doc, c.path+"."+part.name
	result, err := part.query.At(now)
	switch {
	case err != nil:
		return doc.Errorf(path, "%v", err)
	case result.Samples > 1:
		return doc.Errorf(path, "%s gives %d series at %s; one count is needed, e.g. max(...) of it", part.text, result.Samples, instant(now))
	case result.Samples == 0:
		return nil
	case !(result.Value >= 0 && result.Value <= math.MaxInt32) || result.Value != math.Trunc(result.Value):
		return doc.Errorf(path, "%s is %v at %s; a count is a whole number, 0 or more", part.text, result.Value, instant(now))
	}
	*part.value, *part.seen = int32(result.Value), true
	return nil
}

// checkCounts refuses counts that nobody gave.
func (r *run) checkCounts() error {
	for _, c := range r.counted {
		for _, part := range []struct {
			name, text string
			seen       bool
		}{{"status", c.declared.Status, c.statusSeen}, {"ready", c.declared.Ready, c.readySeen}} {
			if part.text != "" && !part.seen {
				return r.in.File.Doc.Errorf(c.path+"."+part.name, "%s never has a sample in the recordings and inputSeries, which have %s", part.text, r.in.names(part.text))
			}
		}
	}
	return nil
}
