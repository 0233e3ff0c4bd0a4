package runs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/whatif"
)

// A WhatIf says whether what fixes would gain is found out.
type WhatIf string

// The choices.
const (
	WhatIfAuto WhatIf = "auto"
	WhatIfOn   WhatIf = "on"
	WhatIfOff  WhatIf = "off"
)

// String implements pflag.Value.
func (w *WhatIf) String() string { return string(*w) }

// Type implements pflag.Value.
func (w *WhatIf) Type() string { return "auto|on|off" }

// Set implements pflag.Value.
func (w *WhatIf) Set(text string) error {
	switch v := WhatIf(text); v {
	case WhatIfAuto, WhatIfOn, WhatIfOff:
		*w = v
		return nil
	}
	return fmt.Errorf("want auto, on or off")
}

// Argument returns the flag, behind a blank, where it is not the default.
func (w WhatIf) Argument() string {
	if w == WhatIfAuto || w == "" {
		return ""
	}
	return " --what-if " + string(w)
}

// A subject is an autoscaler that lacked capacity, and the limits that it ran into.
type subject struct {
	report *reports.ObjectReport
	limits []result.Limit
}

// AddFixes plays the run again with its limits gone, and adds what that gains to
// the report. Where it is asked for and cannot be told, that is an error.
func (j *Job) AddFixes(ctx context.Context, report *reports.Report) error {
	if j.options.WhatIf == WhatIfOff {
		return nil
	}
	if why := report.Unranked(); why != "" {
		if j.options.WhatIf == WhatIfOn {
			return unranked(j.File.Metadata.Name, why)
		}
		return nil
	}
	subjects, plays := subjectsOf(report), 0
	for _, s := range subjects {
		plays += whatif.Plays(len(s.limits))
	}
	slots := j.slots()
	if j.options.WhatIf != WhatIfOn && float64(plays)*slots > limit.WhatIf {
		report.Run.Notes = append(report.Run.Notes, fmt.Sprintf("What a fix would gain is not told: %d runs of %.0f slots are more than %d; ask for it with --what-if on.", plays, slots, limit.WhatIf))
		return nil
	}
	if plays > 0 {
		j.Input.Precompute()
	}
	run := NewWhatIf(j.Simulation, report)
	current := run.Objects
	run.Limits = func(name types.NamespacedName, play func(io.Writer) (*sim.Result, error)) ([]result.Limit, error) {
		return j.limitsOf(current, name, play)
	}
	for _, s := range subjects {
		name := types.NamespacedName{Namespace: s.report.Object.Namespace, Name: s.report.Object.Name}
		fixes, err := run.Fixes(ctx, name, s.limits)
		if err != nil {
			return fmt.Errorf("what a fix of %s would gain: %w", name, err)
		}
		report.SetFixes(s.report, fixes)
	}
	return nil
}

// NewWhatIf returns what finds out the gain of fixes of the current policy, but for its
// Limits.
func NewWhatIf(s *sim.Simulation, report *reports.Report) *whatif.Run {
	return &whatif.Run{
		Input: s.Input, Manifests: s.Columns[0].Manifests, Objects: report.Run.Column(result.Current).Objects,
		Lacks: func(o *result.Object, needed result.Steps) (int64, float64, float64) {
			return reports.Lacks(&reports.Object{Needed: needed, Ready: o.Ready, Spec: o.Spec}, report.Run.Start, report.Run.End)
		},
	}
}

// limitsOf are the limits that an autoscaler runs into in a run like the current one.
func (j *Job) limitsOf(current []reports.Object, name types.NamespacedName, play func(io.Writer) (*sim.Result, error)) (limits []result.Limit, err error) {
	file, err := os.CreateTemp("", "karpenter-")
	if err != nil {
		return nil, sim.Internal(err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	out := bufio.NewWriterSize(file, 1<<18)
	played, err := play(out)
	if err != nil {
		return nil, err
	}
	if err := out.Flush(); err != nil {
		return nil, sim.Internal(err)
	}
	find := func(o *reports.Object) int {
		return slices.IndexFunc(played.Objects, func(p sim.Object) bool { return p.Journal == o.Journal })
	}
	objects := slices.DeleteFunc(slices.Clone(current), func(o reports.Object) bool { return find(&o) < 0 })
	for i := range objects {
		o := &objects[i]
		k := find(o)
		if p := &played.Objects[k]; o.Ready.Known() { // what it has is counted once
			o.Policy, o.Responses, o.Ready, o.Spec, o.Paid, o.Pending = p.Policy, p.Responses, p.Ready, p.Spec, p.Paid, p.Pending
		}
	}
	run := &reports.Run{Name: j.File.Metadata.Name, Columns: []reports.Column{{
		Name: result.Current, Objects: objects, Journal: result.File(file.Name()),
	}}}
	covers := j.File.Covers()
	run.Start, run.End = covers.Start, covers.End
	report, err := reports.Compute(run)
	if err != nil {
		return nil, err
	}
	for _, s := range subjectsOf(report) {
		if s.report.Object.Namespace == name.Namespace && s.report.Object.Name == name.Name {
			return s.limits, nil
		}
	}
	return nil, nil
}

// unranked refuses to say what fixes would gain.
func unranked(name, why string) error {
	return fmt.Errorf("--what-if on: what a fix of %s would gain cannot be told: %s", name, why)
}

// checkWhatIf refuses a run of which it is known before it is played that what
// fixes would gain cannot be told.
func (j *Job) checkWhatIf(ctx context.Context) error {
	if j.options.WhatIf != WhatIfOn {
		return nil
	}
	c := &j.Columns[0]
	prospect, err := j.Input.Prospect(ctx, c.Autoscalers, sim.Options{Manifests: c.Manifests})
	if err != nil {
		return err
	}
	run := &reports.Run{Loop: prospect.Loop, Doubts: prospect.Doubts}
	if why := (&reports.Report{Run: run, Columns: make([]reports.ColumnReport, 1)}).Unranked(); why != "" {
		return unranked(j.File.Metadata.Name, why)
	}
	return nil
}

// subjectsOf are the autoscalers of the current policy that lacked capacity.
func subjectsOf(report *reports.Report) []subject {
	var all []subject
	objects := report.Column(result.Current).Objects
	for i := range objects {
		if limits := objects[i].Limits(); len(limits) > 0 {
			all = append(all, subject{&objects[i], limits})
		}
	}
	return all
}

// slots are how many slots a run of the current policy has.
func (j *Job) slots() float64 {
	seconds, n := time.Duration(j.File.Spec.Duration).Seconds(), 0.0
	for _, a := range j.Columns[0].Autoscalers {
		n += seconds / float64(a.Policy.Interval)
	}
	return n
}
