package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Simulation is a scenario that is fit to be played: everything that can be
// found out beforehand has been. Close it after the last run.
type Simulation struct {
	File *scenario.File
	// Input has the data that all columns share.
	Input *Input
	// Columns are the current policy and the variants, in the order of the file,
	// and the baseline, if there is one.
	Columns []Column
	// Location is the time zone that the scenario wants to be shown in.
	Location *time.Location
	// Command is the line that repeats the run, as the scenario has it; empty
	// where it has none.
	Command string
	// Notes say what conversions changed, and which autoscalers share a target.
	Notes []string
	// Conversions are of all objects of other autoscalers; LeftOut says which of
	// them could not be converted and take no part, nil where all do.
	Conversions []Conversion
	LeftOut     error

	patience time.Duration
	// current is the outcome of the current policy, where it was played beforehand.
	current *playedColumn
}

// A playedColumn is the outcome of a column.
type playedColumn struct {
	result *Result
	column result.Column
}

// A Column is one set of policies that plays the scenario.
type Column struct {
	Name        string
	Autoscalers []Autoscaler
	// Manifests has the node groups and producers.
	Manifests *manifest.Set
	// decider, if set, makes the Decider that decides in place of the autoscalers.
	decider func() Decider
}

// CheckOptions holds what Check needs besides the scenario.
type CheckOptions struct {
	// Queries are the PromQL of metrics of other autoscalers by name, besides the
	// scenario's own spec.metrics.
	Queries map[string]string
	// Report, if set, says what is wrong with an expectation on the report of a run
	// with these columns and objects; reports.CheckExpression does.
	Report func(expr string, columns []string, objects []result.Object) error
	// Baseline, if set, returns the manifests of another version to play as column
	// baseline, nil for none. It is called once the scenario's own manifests are
	// converted, with the options for converting others.
	Baseline func(file *scenario.File, o convert.Options) (*manifest.Set, error)
	// Long says that a simulation that CheckLength refuses will be played: its demand
	// is measured, too. Else that is left to Play.
	Long bool
	// Cache, if set, keeps what the recordings are converted to, for many scenarios
	// over the same ones.
	Cache *recording.Cache
	// Deciders are other autoscalers by the names of their columns, which stand in
	// the order of the names behind all others. Each makes a Decider without memory,
	// for one run.
	Deciders map[string]func() Decider
	// Patience is how much real time a Decider has until its context ends, and once
	// more as much to give up: one that hangs is late
	// from then on, and the run goes on. 0 is 30 s.
	Patience time.Duration
}

// Load reads a scenario file with its manifests. Its errors are manifest.Errors.
func Load(path string) (*scenario.File, error) { return scenario.Load(path, scenario.Options{}) }

// Check prepares a scenario to be played, or says everything that is wrong with
// it: what has a place in a file as manifest.Errors.
func Check(ctx context.Context, file *scenario.File, o CheckOptions) (*Simulation, error) {
	p := &preparation{Simulation: &Simulation{File: file, Location: time.UTC, Command: file.Metadata.Annotations[scenario.CommandAnnotation]}}
	p.conversion.Queries = map[string]string{}
	maps.Copy(p.conversion.Queries, file.Spec.Metrics)
	maps.Copy(p.conversion.Queries, o.Queries)
	if c := file.Spec.Conversion; c != nil {
		p.conversion.Namespace, p.conversion.AllowLoss = c.Namespace, c.AllowLoss
	}
	p.conversion.Parse = QueryParser(file.Spec.Prometheus.EnableFeatures...)
	p.conversion.Tolerance = file.Spec.Controller.ToleranceQuantity()
	p.conversion.DownscaleStabilizationSeconds = file.Spec.Controller.HPA().DownscaleStabilization
	p.addCurrent()
	p.addVariants()
	p.addBaseline(o.Baseline)
	p.addDeciders(o.Deciders)
	p.checkReports(o.Report)
	p.checkFaults()
	p.readZone()
	if err := manifest.Join(p.errs...); err != nil {
		return nil, err
	}
	s := p.Simulation
	s.patience = cmp.Or(o.Patience, defaultPatience)
	s.Notes = file.Metadata.Notes()
	for _, r := range Rivals(s.Columns[0].Autoscalers) {
		s.Notes = append(s.Notes, r.Message)
	}
	var err error
	if s.Input, err = OpenCached(ctx, file, o.Cache); err != nil {
		return nil, err
	}
	if s.long() && !o.Long {
		return s, nil // measuring the demand alone takes long
	}
	if err := s.Input.Pin(s.Columns[0].Autoscalers); err != nil {
		return nil, errors.Join(err, s.Input.Close())
	}
	return s, nil
}

// Close closes the recordings and removes what was converted.
func (s *Simulation) Close() error { return s.Input.Close() }

// CheckStart finds what a column would refuse when its run begins, which is later
// than other scenarios of a call may have been played.
func (s *Simulation) CheckStart(ctx context.Context) error {
	var errs []error
	for _, c := range s.Columns {
		errs = append(errs, s.Input.Check(ctx, c.Autoscalers, Options{Manifests: c.Manifests}))
	}
	return manifest.JoinAll(errs...)
}

// A preparation is a simulation in the making, and what is wrong with it.
type preparation struct {
	*Simulation
	conversion convert.Options
	errs       []error
	// current has the mistakes in the current policy.
	current []error
}

// adopt converts what is foreign in a set, and notes what that changes.
func (p *preparation) adopt(set *manifest.Set) []Conversion {
	conversions := Adopt(set, p.conversion)
	p.File.Metadata.AddNotes(Notes(conversions))
	return conversions
}

// add adds a column that plays a set.
func (p *preparation) add(name string, set *manifest.Set) {
	autoscalers, err := Resolve(set, promql.Label(p.File.Spec.Controller.EnforceLabel), p.File.Spec.Prometheus.EnableFeatures...)
	p.errs = append(p.errs, inColumn(name, err, p.current...), inColumn(name, checkNodes(set), p.current...))
	p.Columns = append(p.Columns, Column{Name: name, Autoscalers: autoscalers, Manifests: set})
}

// addCurrent adds the scenario's own policy, without what cannot be converted.
func (p *preparation) addCurrent() {
	p.Conversions = p.adopt(p.File.Manifests)
	p.LeftOut = LeftOut(p.Conversions)
	p.add(result.Current, p.File.Manifests)
	p.current = p.errs
	if len(p.Columns[0].Autoscalers) > 0 || manifest.Join(p.errs...) != nil {
		return
	}
	p.errs = append(p.errs, p.LeftOut)
	if p.LeftOut == nil {
		p.errs = append(p.errs, p.File.Doc.Errorf("spec", "no HorizontalAutoscaler to run: add one to the file or to spec.manifests"))
	}
}

func (p *preparation) addVariants() {
	for i, v := range p.File.Spec.Variants {
		if own := p.File.Variants[i]; own != nil {
			p.errs = append(p.errs, inColumn(v.Name, LeftOut(p.adopt(own))))
			p.add(v.Name, p.File.Manifests.Override(own))
			continue
		}
		set, err := p.File.Manifests.Assign(v.Set)
		if err != nil {
			p.errs = append(p.errs, err)
			continue
		}
		p.add(v.Name, set)
	}
}

// addBaseline adds the column of another version, if there is one.
func (p *preparation) addBaseline(baseline func(*scenario.File, convert.Options) (*manifest.Set, error)) {
	if baseline == nil {
		return
	}
	set, err := baseline(p.File, p.conversion)
	p.errs = append(p.errs, err)
	if set != nil {
		p.add(result.Baseline, set)
	}
}

// addDeciders adds the columns of other autoscalers.
func (p *preparation) addDeciders(deciders map[string]func() Decider) {
	for _, name := range slices.Sorted(maps.Keys(deciders)) {
		if err := p.checkColumn(name); err != nil {
			p.errs = append(p.errs, fmt.Errorf("decider %q: %w", name, err))
			continue
		}
		column := p.Columns[0]
		column.Name, column.decider = name, deciders[name]
		p.Columns = append(p.Columns, column)
	}
}

// checkColumn refuses a name that a column of the scenario cannot have, or has.
func (p *preparation) checkColumn(name string) error {
	switch {
	case !scenario.ValidName(name):
		return errors.New("no name of a column; want letters, digits, '-', '_' and '.'")
	case scenario.Reserved(name) || slices.ContainsFunc(p.Columns, func(c Column) bool { return c.Name == name }):
		return errors.New("a column of the report has that name")
	}
	return nil
}

// checkReports checks expectations on the report as far as that can be done
// before there is one.
func (p *preparation) checkReports(check func(expr string, columns []string, objects []result.Object) error) {
	if check == nil {
		return
	}
	names := make([]string, len(p.Columns))
	for i := range p.Columns {
		names[i] = p.Columns[i].Name
	}
	objects := p.objects()
	for i, e := range p.File.Spec.Expect {
		if e.Report == "" {
			continue
		}
		if err := check(e.Report, names, objects); err != nil {
			p.errs = append(p.errs, p.File.Doc.Errorf(fmt.Sprintf("spec.expect[%d].report", i), "%v", err))
		}
	}
}

// objects returns the objects of the columns, which an expectation can name.
func (p *preparation) objects() []result.Object {
	var all []result.Object
	for _, c := range p.Columns {
		for _, e := range c.Manifests.Autoscalers {
			o := result.Object{Journal: journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: e.Object.Namespace, Name: e.Object.Name}}
			o.Target.Name = e.Object.Spec.ScaleTargetRef.Name
			all = append(all, o)
		}
		for _, e := range c.Manifests.NodeGroups {
			all = append(all, result.Object{Journal: journal.Object{Kind: journal.ScalableNodeGroup, Namespace: e.Object.Namespace, Name: e.Object.Name}})
		}
		for _, e := range c.Manifests.Producers {
			all = append(all, result.Object{Journal: journal.Object{Kind: journal.MetricsProducer, Namespace: e.Object.Namespace, Name: e.Object.Name}})
		}
	}
	return all
}

// checkFaults refuses faults of queries that no column makes: a variant may have
// one more than the current policy, or one fewer.
func (p *preparation) checkFaults() {
	if manifest.Join(p.errs...) != nil {
		return
	}
	for i, f := range p.File.Spec.Faults {
		if f.Query != "" && !slices.ContainsFunc(p.Columns, func(c Column) bool { return c.asks(f.Query) }) {
			p.errs = append(p.errs, p.File.Doc.Errorf(fmt.Sprintf("spec.faults[%d].query", i), "no query of the run has %q in it", f.Query))
		}
	}
}

// asks reports whether a query of the column has a text in it.
func (c *Column) asks(text string) bool {
	return slices.ContainsFunc(c.Autoscalers, func(a Autoscaler) bool {
		return slices.ContainsFunc(a.Written.Metrics, func(m policy.Metric) bool { return strings.Contains(m.Query, text) })
	})
}

// readZone takes the time zone that the scenario's annotation names.
func (p *preparation) readZone() {
	name, ok := p.File.Metadata.Annotations[scenario.ZoneAnnotation]
	if !ok || name == "" {
		return
	}
	location, err := scenario.ParseZone(name)
	if err != nil {
		p.errs = append(p.errs, p.File.Doc.Errorf("metadata.annotations", "%s: %v", scenario.ZoneAnnotation, err))
		return
	}
	p.Location = location
}

// CheckSet checks what decoding manifests cannot see, kind by kind. The features are
// those of PromQL that queries may use.
func CheckSet(set *manifest.Set, features ...string) error {
	_, err := Resolve(set, "", features...)
	return manifest.Join(err, checkNodes(set))
}

// checkNodes checks what decoding cannot see of producers and node groups.
func checkNodes(set *manifest.Set) error {
	var errs []error
	spec := field.NewPath("spec")
	for _, e := range set.Producers {
		_, list := policy.CompileProducer(&e.Object.Spec, spec)
		errs = append(errs, manifest.Positioned(e.Doc, list))
	}
	for _, e := range set.NodeGroups {
		_, list := policy.CompileNodeGroup(&e.Object.Spec, spec)
		errs = append(errs, manifest.Positioned(e.Doc, list))
	}
	return manifest.Join(errs...)
}

// inColumn names the column in which a mistake was found: the place of a field
// that a variant sets is that of the manifest it was set in. What is known to be
// wrong with the current policy is not repeated.
func inColumn(name string, err error, known ...error) error {
	all := manifest.Placed(err)
	if name == result.Current || len(all) == 0 {
		return err
	}
	repeated := map[manifest.Error]bool{}
	for _, e := range manifest.Placed(manifest.Join(known...)) {
		repeated[*e] = true
	}
	var named manifest.Errors
	for _, e := range all {
		if !repeated[*e] {
			named = append(named, &manifest.Error{Position: e.Position, Field: e.Field, Message: "column " + name + ": " + e.Message})
		}
	}
	if len(named) == 0 {
		return nil
	}
	return named
}
