package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A job is one scenario that is fit to run: everything that can be found out
// beforehand has been.
type job struct {
	file  *scenario.File
	input *sim.Input
	// columns are the current policy and the variants, in the order of the file.
	columns []column
	// command repeats the run; notes and location go into its report.
	command  string
	notes    []string
	location *time.Location
	// update takes the digests of the decisions as they are, since they are
	// about to be written into the scenario.
	update bool
	// decisions are what the golden digest covers, of a scenario that has one, once
	// it was played.
	decisions []string
	// leftOut says which objects of the scenario could not be converted, and take no
	// part; conversions are of all of them.
	leftOut     error
	conversions []sim.Conversion
	// earlier is the run of another call that is the baseline, nil for none.
	earlier *reports.Run
}

type column struct {
	name        string
	autoscalers []sim.Autoscaler
	// manifests has its node groups and producers.
	manifests *manifest.Set
}

// prepare makes a job of a scenario, or says everything that is wrong with it.
// The queries of metrics come besides the scenario's own.
func (a *app) prepare(ctx context.Context, file *scenario.File, metrics map[string]string, base *baseline) (*job, error) {
	p := &preparation{job: &job{file: file, location: time.UTC, command: commandOf(file, "")}}
	p.conversion.Queries = map[string]string{}
	maps.Copy(p.conversion.Queries, file.Spec.Metrics)
	maps.Copy(p.conversion.Queries, metrics)
	if c := file.Spec.Conversion; c != nil {
		p.conversion.Namespace, p.conversion.AllowLoss = c.Namespace, c.AllowLoss
	}
	p.conversion.Tolerance = file.Spec.Controller.ToleranceQuantity()
	p.conversion.DownscaleStabilizationSeconds = file.Spec.Controller.HPA().DownscaleStabilization
	p.addCurrent()
	p.addVariants()
	nothing := p.addBaseline(base)
	p.checkReports()
	p.checkFaults()
	p.readZone()
	if err := manifest.Join(p.errs...); err != nil {
		return nil, err
	}
	j := p.job
	j.notes = append(notesOf(file.Metadata.Annotations), nothing...)
	for _, r := range sim.Rivals(j.columns[0].autoscalers) {
		j.notes = append(j.notes, r.Message)
	}
	var err error
	if j.input, err = sim.Open(ctx, file); err != nil {
		return nil, err
	}
	if err = j.pin(); err != nil {
		j.input.Close()
		return nil, err
	}
	return j, nil
}

// pin settles what all columns are measured by. An earlier run that was measured
// by something else is no baseline.
func (j *job) pin() error {
	if err := j.input.Pin(j.columns[0].autoscalers); err != nil || j.earlier == nil {
		return err
	}
	return j.sameYardstick(j.earlier)
}

// A preparation is a job in the making, and what is wrong with it.
type preparation struct {
	job        *job
	conversion convert.Options
	errs       []error
	// current is what is wrong with the current policy.
	current []error
}

// adopt converts what is foreign in a set, and notes what that changes.
func (p *preparation) adopt(set *manifest.Set) []sim.Conversion {
	conversions := sim.Adopt(set, p.conversion)
	file := p.job.file
	file.Metadata.Annotations = withNotes(file.Metadata.Annotations, sim.Notes(conversions))
	return conversions
}

// add adds a column that plays a set.
func (p *preparation) add(name string, set *manifest.Set) {
	autoscalers, err := sim.Resolve(set, promql.Label(p.job.file.Spec.Controller.EnforceLabel))
	p.errs = append(p.errs, inColumn(name, err, p.current...), inColumn(name, checkNodes(set), p.current...))
	p.job.columns = append(p.job.columns, column{name, autoscalers, set})
}

// addCurrent adds the scenario's own policy, without what cannot be converted.
func (p *preparation) addCurrent() {
	file := p.job.file
	p.job.conversions = p.adopt(file.Manifests)
	p.job.leftOut = sim.LeftOut(p.job.conversions)
	p.add(reports.Current, file.Manifests)
	p.current = p.errs
	if len(p.job.columns[0].autoscalers) > 0 || manifest.Join(p.errs...) != nil {
		return
	}
	p.errs = append(p.errs, p.job.leftOut)
	if p.job.leftOut == nil {
		p.errs = append(p.errs, file.Doc.Errorf("spec", "no HorizontalAutoscaler to run: add one to the file or to spec.manifests"))
	}
}

func (p *preparation) addVariants() {
	file := p.job.file
	for i, v := range file.Spec.Variants {
		if own := file.Variants[i]; own != nil {
			p.errs = append(p.errs, inColumn(v.Name, sim.LeftOut(p.adopt(own))))
			p.add(v.Name, file.Manifests.Override(own))
			continue
		}
		set, err := file.Manifests.Assign(v.Set)
		if err != nil {
			p.errs = append(p.errs, err)
			continue
		}
		p.add(v.Name, set)
	}
}

// addBaseline adds the column of another version, if there is one, or takes its
// earlier run; the notes say why there is nothing to compare with.
func (p *preparation) addBaseline(base *baseline) (notes []string) {
	if base == nil {
		return nil
	}
	set, earlier, note, err := base.of(p.job.file, p.conversion)
	p.errs = append(p.errs, err)
	p.job.earlier = earlier
	if set != nil {
		p.add(reports.Baseline, set)
	}
	if note != "" {
		notes = append(notes, note)
	}
	return notes
}

// checkReports checks expectations on the report as far as that can be done
// before there is one.
func (p *preparation) checkReports() {
	names := make([]string, len(p.job.columns))
	for i := range p.job.columns {
		names[i] = p.job.columns[i].name
	}
	objects := p.objects()
	for i, e := range p.job.file.Spec.Expect {
		if e.Report == "" {
			continue
		}
		if err := reports.CheckExpression(e.Report, names, objects); err != nil {
			p.errs = append(p.errs, p.job.file.Doc.Errorf(fmt.Sprintf("spec.expect[%d].report", i), "%v", err))
		}
	}
}

// objects returns the objects of the columns, which an expectation can name.
func (p *preparation) objects() []reports.Named {
	var all []reports.Named
	for _, c := range p.job.columns {
		for _, e := range c.manifests.Autoscalers {
			all = append(all, reports.Named{Object: journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: e.Object.Namespace, Name: e.Object.Name}, Target: e.Object.Spec.ScaleTargetRef.Name})
		}
		for _, e := range c.manifests.NodeGroups {
			all = append(all, reports.Named{Object: journal.Object{Kind: journal.ScalableNodeGroup, Namespace: e.Object.Namespace, Name: e.Object.Name}})
		}
		for _, e := range c.manifests.Producers {
			all = append(all, reports.Named{Object: journal.Object{Kind: journal.MetricsProducer, Namespace: e.Object.Namespace, Name: e.Object.Name}})
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
	for i, f := range p.job.file.Spec.Faults {
		if f.Query != "" && !slices.ContainsFunc(p.job.columns, func(c column) bool { return c.asks(f.Query) }) {
			p.errs = append(p.errs, p.job.file.Doc.Errorf(fmt.Sprintf("spec.faults[%d].query", i), "no query of the run has %q in it", f.Query))
		}
	}
}

// asks says whether a query of the column has a text in it.
func (c *column) asks(text string) bool {
	return slices.ContainsFunc(c.autoscalers, func(a sim.Autoscaler) bool {
		return slices.ContainsFunc(a.Written.Metrics, func(m policy.Metric) bool { return strings.Contains(m.Query, text) })
	})
}

// readZone takes the time zone that replay left in the scenario.
func (p *preparation) readZone() {
	zone := p.job.file.Metadata.Annotations[zoneAnnotation]
	if zone == "" {
		return
	}
	location, err := parseZone(zone)
	if err != nil {
		p.errs = append(p.errs, err)
		return
	}
	p.job.location = location
}

// check finds what a column's run would refuse at its start.
func (j *job) check(ctx context.Context) error {
	var errs []error
	for _, c := range j.columns {
		errs = append(errs, j.input.Check(ctx, c.autoscalers, sim.Options{Manifests: c.manifests}))
	}
	return manifestErrors(errs)
}

// commandOf repeats a scenario: the command that it was written by, else the
// simulation of its file, with these arguments.
func commandOf(file *scenario.File, arguments string) string {
	if command := file.Metadata.Annotations[commandAnnotation]; command != "" && arguments == "" {
		return command
	}
	return "karpenter simulate " + quoteArgument(file.Path) + arguments + " --out out"
}

// inColumn names the column in which a mistake was found: the place of a field
// that a variant sets is that of the manifest it was set in. What is known to be
// wrong with the current policy is not said again.
func inColumn(name string, err error, known ...error) error {
	all := placed(err)
	if name == reports.Current || len(all) == 0 {
		return err
	}
	said := map[manifest.Error]bool{}
	for _, e := range placed(manifest.Join(known...)) {
		said[*e] = true
	}
	var named manifest.Errors
	for _, e := range all {
		if !said[*e] {
			named = append(named, &manifest.Error{Position: e.Position, Field: e.Field, Message: "column " + name + ": " + e.Message})
		}
	}
	if len(named) == 0 {
		return nil
	}
	return named
}

// placed are the mistakes of an error that have a place in a file.
func placed(err error) manifest.Errors {
	var all manifest.Errors
	if one := (*manifest.Error)(nil); !errors.As(err, &all) && errors.As(err, &one) {
		all = manifest.Errors{one}
	}
	return all
}
