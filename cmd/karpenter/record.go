package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

type recordFlags struct {
	replay.Conversion
	manifests, matches, labels []string
	from, to, zone, out        string
	lookback, queryOffset      time.Duration
	context, evaluated, dryRun bool
	// lastIncidents is how many incidents of each target are saved; 0 for the whole time.
	lastIncidents int
	// narrow leaves out the context of other autoscalers of the namespaces.
	narrow  bool
	enforce string
	server  serverFlags
}

func (a *app) recordCommand() *cobra.Command {
	var flags recordFlags
	c := &cobra.Command{
		Use:   "record --prometheus URL -f MANIFESTS --from T --to T --out DIR",
		Short: "Save what a replay of the manifests needs from a live Prometheus",
		Long: `Record saves the series that the manifests' queries read, and what tells how the
targets were scaled meanwhile: replicas, HPA status, when pods became ready. It
starts earlier by the longest range, the lookback and the longest window. An
interrupted recording goes on where it stopped when the command is repeated.

With --last-incidents it looks for the stretches in which a target lacked capacity, or
ran above its target, and saves the last ones of each target with a quarter of an hour
around them, each to a directory of its own below --out. What is there already stays.
With --evaluated these are small enough for version control.`,
		Example: `  karpenter record --prometheus http://prometheus:9090 -f policies/ \
      --from -36h --to -1h --out recordings/friday`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.record(c.Context(), &flags) },
	}
	f := c.Flags()
	f.StringArrayVarP(&flags.manifests, "filename", "f", nil, "manifests: file, directory or - (repeatable, required)")
	f.StringArrayVar(&flags.matches, "match", nil, "save these series, too: a selector such as up{job=\"x\"} (repeatable)")
	f.StringArrayVar(&flags.labels, "label", nil, "a label that enters every selector: NAME=VALUE, e.g. cluster=eu1 (repeatable)")
	addConversion(f, &flags.Conversion)
	addEnforceLabel(f, &flags.enforce)
	f.StringVar(&flags.from, "from", "", "first decision (required)")
	f.StringVar(&flags.to, "to", "", "last decision (default: now)")
	f.StringVar(&flags.zone, "tz", "UTC", "time zone to read and show times in")
	f.StringVar(&flags.out, "out", "", "directory to write, new or empty (required)")
	f.DurationVar(&flags.lookback, "lookback", 5*time.Minute, "how old a sample may be that a query returns")
	f.DurationVar(&flags.queryOffset, "query-offset", 0, "with --evaluated: how long before its slot a query is evaluated")
	f.BoolVar(&flags.context, "context", true, "save the targets' replicas, HPA status and pod times as well")
	f.BoolVar(&flags.evaluated, "evaluated", false, "save the queries' results at each slot instead of samples; small, but a changed query cannot be replayed")
	f.IntVar(&flags.lastIncidents, "last-incidents", 0, "save only the last stretches of time in which a target lacked capacity or ran above its target: so many of each")
	f.BoolVar(&flags.dryRun, "dry-run", false, "say what would be saved and stop")
	flags.server.add(c)
	return c
}

func (a *app) record(ctx context.Context, flags *recordFlags) error {
	switch {
	case flags.server.address == "":
		return errors.New("--prometheus is required: the URL of the server to record from")
	case len(flags.manifests) == 0:
		return errors.New("-f is required: the manifests whose queries are recorded")
	case flags.from == "":
		return errors.New("--from is required: the time of the first decision, e.g. -36h")
	case flags.out == "" && !flags.dryRun:
		return errors.New("--out is required: the directory to write")
	}
	if flags.lastIncidents != 0 {
		if err := flags.checkIncidents(); err != nil {
			return err
		}
	} else if !flags.dryRun {
		output.Sweep(flags.out, recording.Output)
		if err := checkOutput(flags.out, recording.Output, flagInputs("-f", flags.manifests...)...); err != nil {
			return err
		}
	}
	from, to, err := flags.times(time.Now())
	if err != nil {
		return err
	}
	enforce, err := replay.EnforcedLabel(flags.enforce)
	if err != nil {
		return err
	}
	client, err := flags.server.client()
	if err != nil {
		return err
	}
	if flags.lastIncidents > 0 {
		return a.recordIncidents(ctx, flags, client, from, to)
	}
	autoscalers, err := a.autoscalers(flags.manifests, &flags.Conversion, enforce)
	if err != nil {
		return err
	}
	if flags.evaluated {
		return a.recordEvaluated(ctx, flags, autoscalers, client, from, to)
	}
	plan, err := flags.plan(autoscalers, from, to)
	if err != nil {
		return err
	}
	return a.recordSamples(ctx, flags, plan, client)
}

// times are the bounds of the decisions, whole seconds. The end of a live
// server's data is now.
func (f *recordFlags) times(now time.Time) (from, to time.Time, err error) {
	location, err := parseZone(f.zone)
	if err != nil {
		return from, to, err
	}
	now = now.Truncate(time.Second)
	week := now.AddDate(0, 0, -7)
	to = now
	if f.to != "" {
		if to, err = parseTime(f.to, location, week, now); err != nil {
			return from, to, fmt.Errorf("--to: %w", err)
		}
	}
	if from, err = parseTime(f.from, location, week, now); err != nil {
		return from, to, fmt.Errorf("--from: %w", err)
	}
	switch {
	case f.queryOffset < 0:
		return from, to, fmt.Errorf("--query-offset %s: must be 0s or more; a query cannot look ahead", f.queryOffset)
	case f.lookback <= 0:
		return from, to, fmt.Errorf("--lookback %s: must be more than 0s", f.lookback)
	case !from.Before(to):
		return from, to, fmt.Errorf("--from %s is not before --to %s", stamp(from, location), stamp(to, location))
	case from.After(now):
		return from, to, fmt.Errorf("--from %s lies in the future", stamp(from, location))
	}
	return from, to, nil
}

// autoscalers loads manifests and refuses what could not be replayed.
func (a *app) autoscalers(paths []string, flags *replay.Conversion, enforce promql.Label) ([]sim.Autoscaler, error) {
	given, err := flags.Parse()
	if err != nil {
		return nil, err
	}
	set, err := manifest.LoadIn(given.Namespace, paths, a.stdin)
	if err != nil {
		return nil, err
	}
	notes, err := a.adopt(set, given.Options())
	autoscalers, resolveErr := sim.Resolve(set, enforce, flags.Features...)
	if err := manifest.Join(err, resolveErr); err != nil {
		return nil, err
	}
	if err := given.Unused(); err != nil {
		return nil, err
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	if len(autoscalers) == 0 {
		return nil, errors.New("no HorizontalAutoscaler in the manifests; there is nothing to record for")
	}
	return autoscalers, nil
}

// plan lists what a replay of the autoscalers reads.
func (f *recordFlags) plan(autoscalers []sim.Autoscaler, from, to time.Time) (recording.Plan, error) {
	plan := recording.Plan{From: from.UnixMilli(), To: to.UnixMilli(), Lookback: f.lookback}
	for i := range autoscalers {
		s := &autoscalers[i]
		plan.Window = max(plan.Window, time.Duration(max(s.Policy.Window(), s.Policy.Period()))*time.Second)
		for _, m := range s.Policy.Metrics {
			selectors, err := recording.Selectors(m.Query)
			if err != nil {
				return plan, err
			}
			plan.Selectors = append(plan.Selectors, selectors...)
			if !slices.Contains(plan.Queries, m.Query) {
				plan.Queries = append(plan.Queries, m.Query)
			}
		}
		if f.context {
			var names []string
			if f.narrow {
				names = scalerNames(s)
			}
			plan.Selectors = append(plan.Selectors, recording.ContextSelectors(s.Target.Kind, s.Target.Namespace, s.Target.Name, names...)...)
		}
	}
	for _, text := range f.matches {
		s, err := recording.ParseSelector(text)
		if err != nil {
			return plan, fmt.Errorf("--match: %w", err)
		}
		plan.Selectors = append(plan.Selectors, s)
	}
	entering, err := f.entering()
	plan.Selectors = entering.EnterAll(plan.Selectors)
	return plan, err
}

// scalerNames are the names that the autoscalers of a target may have: its own, those that
// KEDA gives the HPA of a ScaledObject, and the target's.
func scalerNames(s *sim.Autoscaler) []string {
	var written struct {
		Spec struct {
			Advanced struct {
				HorizontalPodAutoscalerConfig struct{ Name string }
			}
		}
	}
	if text, err := s.Doc.Written().JSON(); err == nil {
		_ = json.Unmarshal(text, &written) // what is no ScaledObject has no such name
	}
	var names []string
	for _, name := range []string{s.Object.Name, "keda-hpa-" + s.Object.Name, s.Target.Name, written.Spec.Advanced.HorizontalPodAutoscalerConfig.Name} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// entering are the labels that enter every selector.
func (f *recordFlags) entering() (recording.Labels, error) {
	l, err := recording.ParseLabels(f.labels)
	if err != nil {
		return nil, fmt.Errorf("--label %w", err)
	}
	return l, nil
}

// recordSamples says what will come, and saves it.
func (a *app) recordSamples(ctx context.Context, flags *recordFlags, plan recording.Plan, client *http.Client) error {
	source, err := recording.Probe(ctx, flags.server.address, client, plan.To)
	if err != nil {
		return err
	}
	estimate, err := recording.EstimatePlan(ctx, source, plan)
	if err != nil {
		return err
	}
	location, err := parseZone(flags.zone)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: about %d series, %d samples, %s, from %s to %s\n", source.Address(), estimate.Series, estimate.Samples,
		bytesText(estimate.Bytes), stamp(time.UnixMilli(estimate.From), location), stamp(time.UnixMilli(estimate.To), location))
	if !estimate.StaleMarkers {
		a.note("%s offers no remote read, so stale markers are inferred: a series has ended where others were scraped on and it was not", source.Address())
	}
	if flags.dryRun {
		return nil
	}
	var last recording.Progress
	err = recording.Record(ctx, source, plan, flags.out, func(p recording.Progress) {
		last = p
		a.note("%d of %d: %d samples, %s", p.Done, p.Chunks, p.Samples, bytesText(p.Bytes))
	})
	if err != nil && last.Done > 0 && recording.Begun(flags.out) {
		a.note("%s keeps %d of %d parts; to go on, repeat the command with --from %s --to %s", flags.out, last.Done, last.Chunks,
			time.UnixMilli(plan.From).UTC().Format(time.RFC3339), time.UnixMilli(plan.To).UTC().Format(time.RFC3339))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %d series, %d samples, %s\n", flags.out, last.Series, last.Samples, bytesText(last.Bytes))
	return a.noteMissing(ctx, flags.out, plan)
}

// recordEvaluated saves the results of the queries on the slots' grids.
func (a *app) recordEvaluated(ctx context.Context, flags *recordFlags, autoscalers []sim.Autoscaler, client *http.Client, from, to time.Time) error {
	queries := evaluations(autoscalers, from, to, flags.queryOffset)
	if len(queries) == 0 {
		return fmt.Errorf("no slot of any autoscaler lies between %s and %s", stamp(from, time.UTC), stamp(to, time.UTC))
	}
	var results int64
	for _, q := range queries {
		results += q.Count
	}
	source, err := recording.NewQueryAPI(flags.server.address, client)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %d results of %s\n", source.Address(), results, counted(len(queries), "PromQL expression"))
	if flags.dryRun {
		return nil
	}
	err = flags.evaluate(ctx, client, queries, flags.out, func(p recording.Progress) {
		a.note("%d of %d", p.Done, p.Chunks)
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, flags.out)
	return nil
}

// evaluate saves the results of queries to a directory.
func (f *recordFlags) evaluate(ctx context.Context, client *http.Client, queries []recording.EvaluatedQuery, dir string, report func(recording.Progress)) error {
	source, err := recording.NewQueryAPI(f.server.address, client)
	if err != nil {
		return err
	}
	entering, err := f.entering()
	if err != nil {
		return err
	}
	return recording.RecordEvaluated(ctx, &labelledEvaluator{source, entering}, queries, dir, report)
}

// A labelledEvaluator enters labels into every selector of what it evaluates.
type labelledEvaluator struct {
	recording.Evaluator
	labels recording.Labels
}

// Evaluate implements recording.Evaluator.
func (e *labelledEvaluator) Evaluate(ctx context.Context, query string, start, step, count int64) (model.Matrix, error) {
	query, err := e.labels.Enter(query)
	if err != nil {
		return nil, err
	}
	return e.Evaluator.Evaluate(ctx, query, start, step, count)
}

// evaluations gives each query one grid with the slots of all who ask it, from
// the first slot at or after from to the last at or before to.
func evaluations(autoscalers []sim.Autoscaler, from, to time.Time, offset time.Duration) []recording.EvaluatedQuery {
	var queries []recording.EvaluatedQuery
	for i := range autoscalers {
		s := &autoscalers[i]
		interval := s.Policy.Interval
		grid := slot.Grid{Interval: interval, Phase: slot.Phase(journal.HorizontalAutoscaler, s.Object.Namespace, s.Object.Name, interval)}
		first, last := grid.From(slot.At(from)), grid.Of(slot.At(to))
		if last < first {
			continue
		}
		q := recording.EvaluatedQuery{
			Start: first.Time().Add(-offset).UnixMilli(), Step: int64(interval) * 1000,
			Count: int64(last-first)/int64(interval) + 1,
		}
		for _, m := range s.Policy.Metrics {
			q.Query = m.Query
			at := slices.IndexFunc(queries, func(other recording.EvaluatedQuery) bool { return other.Query == q.Query })
			if at < 0 {
				queries = append(queries, q)
			} else {
				queries[at] = union(queries[at], q)
			}
		}
	}
	return queries
}

// union is the coarsest grid that has the instants of both.
func union(a, b recording.EvaluatedQuery) recording.EvaluatedQuery {
	end := max(a.Start+(a.Count-1)*a.Step, b.Start+(b.Count-1)*b.Step)
	a.Step = divisor(divisor(a.Step, b.Step), max(a.Start-b.Start, b.Start-a.Start))
	a.Start = min(a.Start, b.Start)
	a.Count = (end-a.Start)/a.Step + 1
	return a
}

// divisor is the greatest common divisor; of a number and 0, the number.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// bytesText is a size in the largest unit that fits.
func bytesText(n int64) string {
	units := strings.Fields("B KiB MiB GiB TiB")
	size := float64(n)
	for len(units) > 1 && size >= 1024 {
		size, units = size/1024, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[0])
}
