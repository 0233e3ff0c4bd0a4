package sim

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// fewDecisions is the number of decisions up to which a column is not worth being
// played in parts: each of them reads the recordings anew.
const fewDecisions = 20_000

// partsOf returns the parts in which a column is played side by side, nil where it is
// played as one. Listeners are told of decisions one after another, and a foreign
// decider may remember what it likes.
func (in *Input) partsOf(column []Autoscaler, o *Options) []part {
	if o.decider != nil || o.Decisions != nil || o.Wakes != nil || o.Paused != nil {
		return nil
	}
	most := o.Parts
	if most == 0 {
		if most = runtime.GOMAXPROCS(0); in.decisions(column) < fewDecisions {
			return nil
		}
	}
	set := in.File.Manifests
	if o.Manifests != nil {
		set = o.Manifests
	}
	if set == nil {
		return nil
	}
	return in.parts(column, set, most)
}

// decisions is about how many a column makes.
func (in *Input) decisions(column []Autoscaler) int64 {
	count := int64(0)
	for i := range column {
		count += (in.end - in.start) / 1000 / int64(column[i].Policy.Interval)
	}
	return count
}

// stretches is into how many stretches of time a run in parts is divided: after each
// of them the parts wait for one another, and what they decided is merged.
const stretches = 200

// playParts plays parts that share nothing side by side, and merges what came of them
// into what one run of all would have given, byte for byte.
func (in *Input) playParts(ctx context.Context, column []Autoscaler, parts []part, warmed map[types.NamespacedName]v1alpha1.HorizontalAutoscalerStatus, o Options) (*Result, error) {
	whole, err := in.prospect(ctx, column, warmed, o)
	if err != nil {
		return nil, err
	}
	rank := ranks(column)
	runs := make([]*run, len(parts))
	for i := range parts {
		own := o
		own.Progress = nil
		r := &run{ctx: ctx, in: in, o: own, autoscalers: newAutoscalers(), warmed: warmed, part: &parts[i]}
		r.pages = newPages(&r.queue.clock, rank, o)
		defer r.close()
		if err := r.prepare(parts[i].autoscalers); err != nil {
			return nil, err
		}
		runs[i] = r
	}
	out := newMerger(o)
	if err := in.playStretches(runs, out, o.Progress); err != nil {
		return nil, errors.Join(err, out.close())
	}
	if err := out.close(); err != nil {
		return nil, err
	}
	return whole, finishParts(whole, column, runs, out, o)
}

// playStretches plays the parts from stretch to stretch. Of several errors that of the
// earliest instant counts, which is the one that a run of all would have met.
func (in *Input) playStretches(runs []*run, out *merger, progress func(time.Time)) error {
	every := max((in.end-in.start)/stretches, 1)
	errs := make([]error, len(runs))
	for until := in.start + every; ; until += every {
		until = min(until, in.end)
		var group errgroup.Group
		for i, r := range runs {
			group.Go(func() error {
				errs[i] = r.play(until)
				return nil
			})
		}
		group.Wait()
		failed := -1
		for i := range runs {
			if errs[i] != nil && (failed < 0 || runs[i].queue.clock.now.Before(runs[failed].queue.clock.now)) {
				failed = i
			}
		}
		if failed >= 0 {
			return errs[failed]
		}
		pages := make([]*page, len(runs))
		for i, r := range runs {
			pages[i] = r.pages.turn()
		}
		out.merge(pages)
		if progress != nil {
			progress(time.UnixMilli(until).UTC())
		}
		if until == in.end {
			return nil
		}
	}
}

// finishParts adds what came of the parts to the prospect of the whole.
func finishParts(whole *Result, column []Autoscaler, runs []*run, out *merger, o Options) error {
	results := make([]*Result, len(runs))
	errs := make([]error, len(runs))
	var group errgroup.Group
	for i, r := range runs {
		group.Go(func() error {
			results[i], errs[i] = r.finish()
			return nil
		})
	}
	group.Wait()
	courses := make([][]*course, len(runs))
	for i, r := range runs {
		if errs[i] != nil {
			return errs[i]
		}
		if r.series.err != nil {
			return r.series.err
		}
		courses[i] = r.series.order
	}
	for i := range column {
		name := journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: column[i].Object.Namespace, Name: column[i].Object.Name}
		for _, r := range results {
			if k := slices.IndexFunc(r.Objects, func(o Object) bool { return o.Journal == name }); k >= 0 {
				whole.Objects = append(whole.Objects, r.Objects[k])
			}
		}
	}
	whole.Records, whole.Digest, whole.Outcomes = out.records, out.digest(), results[0].Outcomes
	return runs[0].series.write(o.Series, slices.Concat(courses...))
}
