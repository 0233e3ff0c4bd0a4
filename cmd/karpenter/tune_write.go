package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/tune"
)

// Names of a search's files besides the report's own.
const (
	bestFile   = "best.yaml"
	trialsFile = "trials.jsonl"
	seasonFile = tune.SeasonFile
)

// write writes what came of a search into a directory.
func (t *tuner) write(dir string, o *tune.Outcome) (*reports.Tune, error) {
	best, err := o.Best()
	if err != nil {
		return nil, err
	}
	lines, err := o.Lines()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, bestFile), best, 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, trialsFile), lines, 0o644); err != nil {
		return nil, err
	}
	report := t.report(o)
	if err := t.writePatches(dir, o, report); err != nil {
		return nil, err
	}
	rules, err := o.SeasonRules()
	if err == nil && rules != nil {
		err = os.WriteFile(filepath.Join(dir, seasonFile), rules, 0o644)
	}
	if err != nil {
		return nil, err
	}
	return report, report.WriteDir(dir)
}

// writePatches writes what is recommended for owners of other autoscalers.
func (t *tuner) writePatches(dir string, o *tune.Outcome, r *reports.Tune) error {
	patches, err := o.Patches()
	if err != nil {
		return err
	}
	for i := range patches {
		p := &patches[i]
		view := reports.TunePatch{Kind: p.Owner.Kind, Namespace: p.Owner.Namespace, Name: p.Owner.Name, File: p.File, Unsaid: p.Unsaid}
		if p.File != "" {
			view.Command = p.Command(p.File)
			if err := os.WriteFile(filepath.Join(dir, p.File), p.Text, 0o644); err != nil {
				return err
			}
		}
		r.Patches = append(r.Patches, view)
	}
	return nil
}

// report shows an outcome.
func (t *tuner) report(o *tune.Outcome) *reports.Tune {
	counts := o.Counts()
	r := &reports.Tune{
		Name: t.name(), Version: version(), Command: t.command, Location: t.jobs[0].Location, Digest: t.digest,
		Verdict: string(o.Verdict), Why: o.Why, Loop: o.Loop,
		Sampler: o.Sampler, Seed: o.Seed, Constraints: t.about.Constraints,
		Played: counts.Played, Stopped: counts.Stopped, Invalid: counts.Invalid, Neighbours: counts.Neighbours,
		Near: o.Near, Plateau: o.Plateau, Notes: slices.Clone(o.Notes), Metric: string(o.Metric()), Priced: o.Priced,
	}
	if p := o.Pairing; p != nil {
		r.Pairing = &reports.TunePairing{Unit: p.Unit, Pairs: p.Pairs, Partial: p.Partial, Unjudged: p.Unjudged}
		for _, d := range p.Figures {
			view := reports.TuneDifference{Figure: d.Figure, Mean: d.Mean}
			if !math.IsInf(d.Low, 0) {
				view.Low, view.High = &d.Low, &d.High
			}
			r.Pairing.Figures = append(r.Pairing.Figures, view)
		}
	}
	if o.Fidelity >= 0 {
		r.Fidelity = &o.Fidelity
	}
	for _, j := range t.jobs {
		r.Notes = append(append(r.Notes, j.Notes...), j.Input.Notes...)
	}
	r.Assumptions = t.assumptions()
	t.addParameters(r, o)
	if o.Verdict == tune.Unranked {
		return r
	}
	if o.Choice != nil {
		r.Choice = o.Choice.ID
	}
	t.addFolds(r, o)
	t.addPoints(r, o)
	for i := range o.Maps {
		r.Maps = append(r.Maps, t.heatMap(&o.Maps[i], o))
	}
	return r
}

// name names the scenarios.
func (t *tuner) name() string {
	var names []string
	for _, j := range t.jobs {
		names = append(names, j.File.Metadata.Name)
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// assumptions returns what the figures rest on and nobody said.
func (t *tuner) assumptions() []string {
	var out []string
	for _, j := range t.jobs {
		for _, y := range j.File.Spec.Yardstick {
			if phrase := y.Phrase(); !slices.Contains(out, phrase) {
				out = append(out, phrase)
			}
		}
	}
	return append(out, "every candidate meets the demand as it was, from the first instant on")
}

func (t *tuner) addParameters(r *reports.Tune, o *tune.Outcome) {
	for i := range o.Parameters {
		p := &o.Parameters[i]
		view := reports.TuneParameter{Path: p.Path, Searched: p.Describe(), Current: o.CurrentValue(i)}
		if o.Importance != nil {
			view.Cost, view.Lacking = o.Importance[i].Cost, o.Importance[i].Lacking
		}
		if o.Choice != nil {
			view.Chosen = o.Choice.Values[i]
		}
		r.Parameters = append(r.Parameters, view)
	}
}

func (t *tuner) addFolds(r *reports.Tune, o *tune.Outcome) {
	for i := range o.Steps {
		f := &o.Steps[i]
		view := reports.TuneFold{
			From: f.From, Split: f.Split, To: f.To, Held: f.Held,
			In: figuresOf(&f.In), Out: figuresOf(&f.Out), CurrentIn: figuresOf(&f.CurrentIn), CurrentOut: figuresOf(&f.CurrentOut),
		}
		if f.Choice != nil {
			view.Trial = f.Choice.ID
		}
		r.Folds = append(r.Folds, view)
	}
	chosen, current := o.HeldOut()
	r.HeldOut, r.CurrentHeldOut = figuresOf(&chosen), figuresOf(&current)
}

func (t *tuner) addPoints(r *reports.Tune, o *tune.Outcome) {
	r.Current = t.point(&o.Current, o)
	trade := map[int]bool{}
	for _, p := range o.Pareto {
		trade[p.ID] = true
	}
	for i := range o.Trials {
		trial := &o.Trials[i]
		switch {
		case trial.Neighbour != 0:
			r.Around = append(r.Around, t.point(trial, o))
		case o.Choosable(trial):
			p := t.point(trial, o)
			p.Pareto = trade[trial.ID]
			r.Points = append(r.Points, p)
		}
	}
	// Trades are listed cheapest first, whatever their numbers.
	ordered := r.Points[:0:0]
	for _, p := range o.Pareto {
		point := t.point(p, o)
		point.Pareto = true
		ordered = append(ordered, point)
	}
	for _, p := range r.Points {
		if !p.Pareto {
			ordered = append(ordered, p)
		}
	}
	r.Points = ordered
}

// point is a trial by the windows of the last fold.
func (t *tuner) point(trial *tune.Trial, o *tune.Outcome) reports.TunePoint {
	p := reports.TunePoint{Trial: trial.ID, Values: trial.Values}
	if trial.State != tune.Played {
		p.Invalid = trial.Why
	}
	if in, out, ok := o.LastFold(trial); ok {
		p.In, p.Out = figuresOf(&in), figuresOf(&out)
	}
	return p
}

func figuresOf(s *tune.Score) reports.TuneFigures {
	return reports.TuneFigures{ReplicaHours: s.ReplicaHours(), Cost: s.Cost, BreachMinutes: s.BreachMinutes(), UnderHours: s.UnderHours(), Reversals: s.Reversals}
}

func (t *tuner) heatMap(m *tune.HeatMap, o *tune.Outcome) reports.TuneMap {
	view := reports.TuneMap{
		X: o.Parameters[m.X].Path, Y: o.Parameters[m.Y].Path, XLabels: m.XLabels, YLabels: m.YLabels,
		Best: m.Best, Trials: m.Trials, ChoiceX: -1, ChoiceY: -1,
	}
	if o.Choice != nil {
		view.ChoiceX, view.ChoiceY = m.Cell(o)
	}
	return view
}

// tell prints the result.
func (t *tuner) tell(r *reports.Tune) error {
	if t.flags.format != tableFormat {
		return t.encode(t.flags.format, r)
	}
	if err := r.Table(t.stdout); err != nil {
		return internal(err)
	}
	for i := range r.Patches {
		p := &r.Patches[i]
		if p.File != "" {
			fmt.Fprintf(t.stdout, "\nFor the owner of the %s:\n  %s\n", p.Kind, strings.Replace(p.Command, "--patch-file "+p.File, "--patch-file "+quoteArgument(filepath.Join(t.flags.out, p.File)), 1))
		} else {
			fmt.Fprintf(t.stdout, "\nFor the owner of %s %s/%s: nothing of this can be said in its fields.\n", p.Kind, p.Namespace, p.Name)
		}
		for _, u := range p.Unsaid {
			fmt.Fprintf(t.stdout, "  Not said there: %s\n", u)
		}
	}
	fmt.Fprintf(t.stdout, "\nThe same again:\n  %s\n", t.command)
	for _, n := range r.Notes {
		t.note("%s", n)
	}
	return nil
}
