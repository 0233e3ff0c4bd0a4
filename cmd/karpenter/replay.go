package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// replayFlags say what is replayed and how; tune takes the same.
type replayFlags struct {
	conversionFlags
	enforce               enforceFlag
	manifests, recordings []string
	series, replicas      []string
	targets, variants     []string
	labels                []string
	name, zone            string
	timeColumn            string
	timeLayout            string
	lookback, readyAfter  string
	demand                string
	capacity, scale       float64
	saturation            float64
	openLoop              bool
	// cache, if set, keeps what recordings are converted to.
	cache *recording.Cache
}

func (f *replayFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVarP(&f.manifests, "filename", "f", nil, "manifests: file, directory or - (repeatable, required)")
	flags.StringArrayVar(&f.recordings, "recording", nil, "recorded metrics: CSV, OpenMetrics (.om, .om.gz), query_range JSON, TSDB block or snapshot, or what record wrote (repeatable, required)")
	f.addColumns(flags)
	flags.StringArrayVar(&f.replicas, "replicas", nil, "PromQL of a target's recorded ready replicas: [NS/]KIND/NAME=PROMQL, such as deploy/web='sum(web_replicas)' (repeatable)")
	flags.StringArrayVar(&f.targets, "target", nil, "a target's replicas at the start: [NS/]KIND/NAME=N (repeatable; default: as recorded, else ceil(value / target) of AverageValue metrics, else max(1, minReplicas))")
	flags.StringArrayVar(&f.variants, "variant", nil, "another policy for the same input: NAME=FILE or NAME=[[NS/]ha/NAME:]PATH=VALUE[,PATH=VALUE] (repeatable)")
	f.conversionFlags.add(flags)
	f.enforce.add(flags)
	flags.StringArrayVar(&f.labels, "label", nil, "read only recorded series with this label, as if it stood in every selector: NAME=VALUE, e.g. cluster=eu1 (repeatable)")
	flags.StringVar(&f.name, "name", "", "name of the run (default: the first manifest's)")
	flags.StringVar(&f.zone, "tz", "UTC", "time zone of CSV times without an offset, and of the report")
	flags.StringVar(&f.lookback, "lookback", "", "how old a sample may be that a query returns (default: the larger of 5m and 1.5 x the median spacing)")
	flags.StringVar(&f.readyAfter, "ready-after", "", "start-up delay of new replicas: a duration, or recorded, which draws each from the recorded pods' own (default: their median, else 0s)")
	flags.StringVar(&f.demand, "demand", "", "PromQL of the demand (what arrives), in the units of --capacity; metrics that depend on the replicas follow it")
	flags.Float64Var(&f.capacity, "capacity", 0, "units of demand that one replica serves")
	flags.Float64Var(&f.saturation, "saturation", 0, "largest value that one replica can show of a Utilization metric (default: 1, or the largest recorded)")
	flags.Float64Var(&f.scale, "scale", 1, "multiplies the demand")
	flags.BoolVar(&f.openLoop, "open-loop", false, "replay metrics that depend on replicas as recorded, although the recorded replicas are not known")
}

// addColumns adds the flags that say how a CSV is read.
func (f *replayFlags) addColumns(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.series, "series", nil, "name a CSV column's series: COLUMN='name{label=\"x\"}', where COLUMN is a header, #NUMBER, or * for all headers that are labels only (repeatable)")
	flags.StringVar(&f.timeColumn, "time-column", "", "the CSV column with the times: a header or #NUMBER (default: found by itself)")
	flags.StringVar(&f.timeLayout, "time-layout", "", "how a CSV's times are written: '02.01.2006 15:04', '%d.%m.%Y %H:%M', unix, unixms, unixus, unixns or excel (default: found by itself)")
}

// inputs are the files and directories that the flags name.
func (f *replayFlags) inputs() []output.Input {
	inputs := slices.Concat(flagInputs("-f", f.manifests...), flagInputs("--recording", f.recordings...))
	for _, v := range f.variants {
		if _, file, ok := strings.Cut(v, "="); ok && !strings.Contains(file, "=") {
			inputs = append(inputs, flagInputs("--variant", file)...)
		}
	}
	return inputs
}

func (a *app) replayCommand() *cobra.Command {
	var run runFlags
	var replay replayFlags
	c := &cobra.Command{
		Use:   "replay -f MANIFESTS --recording SRC ... --out DIR",
		Short: "Run recorded metrics through the engine: what would it have decided, why, at what cost",
		Example: `  karpenter replay -f ha.yaml --recording requests.csv --out out
  karpenter replay -f ha.yaml --recording requests.csv --variant 'fast=spec.behavior.scaleUp.policies[0].value=10' --out out`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkFormat(run.format); err != nil {
				return err
			}
			inputs := replay.inputs()
			if err := checkOutput(run.out, output.Options{Kind: output.Reports}, inputs...); err != nil {
				return err
			}
			file, err := a.replayScenario(c.Context(), &replay)
			if err != nil {
				return err
			}
			session := &session{app: a, flags: run, inputs: inputs, command: file.Metadata.Annotations[scenario.CommandAnnotation]}
			return replay.inFlags(session.run(c.Context(), []*scenario.File{file}), file.Path)
		},
	}
	run.add(c)
	replay.add(c)
	return c
}

// replayScenario turns the flags into the scenario that they mean. Simulating
// it gives the same bytes.
func (a *app) replayScenario(ctx context.Context, f *replayFlags) (*scenario.File, error) {
	if len(f.manifests) == 0 || len(f.recordings) == 0 {
		return nil, errors.New("-f and --recording are required: the manifests to replay and the metrics to replay them over")
	}
	metrics, err := f.parse()
	if err != nil {
		return nil, err
	}
	set, err := manifest.LoadIn(f.namespace, f.manifests, a.stdin)
	if err != nil {
		return nil, err
	}
	notes, err := a.adopt(set, metrics.options())
	if err != nil {
		return nil, err
	}
	sim.MarkConverted(set)
	if len(set.Autoscalers) == 0 {
		return nil, fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(f.manifests, " -f "))
	}
	s := &scenario.Scenario{APIVersion: scenario.APIVersion, Kind: scenario.Kind}
	s.Metadata.Name = f.name
	if s.Metadata.Name == "" {
		s.Metadata.Name = set.Autoscalers[0].Object.Name
	}
	s.Metadata.Annotations = map[string]string{scenario.CommandAnnotation: a.commandLine()}
	if f.zone != "UTC" && f.zone != "" {
		s.Metadata.Annotations[scenario.ZoneAnnotation] = f.zone
	}
	s.Metadata.AddNotes(notes)
	if err := f.fill(ctx, &s.Spec, set); err != nil {
		return nil, err
	}
	file, err := a.replayFile(s, set, f, metrics)
	if err == nil {
		err = metrics.unused()
	}
	return file, f.inFlags(err, sim.ScenarioFile)
}

// replayFile is the scenario as if it had been loaded from the file that will
// be written.
func (a *app) replayFile(s *scenario.Scenario, set *manifest.Set, f *replayFlags, metrics *metricQueries) (*scenario.File, error) {
	variants, err := parseVariants(f.variants)
	if err != nil {
		return nil, err
	}
	var sets []*manifest.Set
	for _, v := range variants {
		var own *manifest.Set
		if len(v.Manifests) > 0 {
			own, err = a.variantSet(s, v.Manifests, metrics)
		} else {
			err = assignReplayed(set, v.Set)
		}
		if err != nil {
			return nil, fmt.Errorf("--variant %s: %w", v.Name, err)
		}
		sets = append(sets, own)
	}
	s.Spec.Variants = variants
	file, err := scenario.NewFile(sim.ScenarioFile, s)
	if err != nil {
		return nil, err
	}
	file.Manifests, file.Variants = set, sets
	return file, nil
}

// variantSet reads the manifests of a variant; the scenario keeps what
// conversions note.
func (a *app) variantSet(s *scenario.Scenario, paths []string, metrics *metricQueries) (*manifest.Set, error) {
	set, err := manifest.LoadIn(metrics.namespace, paths, a.stdin)
	if err != nil {
		return nil, err
	}
	notes, err := a.adoptAll(set, metrics.options())
	s.Metadata.AddNotes(notes)
	return set, err
}

// fill writes what the flags say into the spec, and opens the recordings once
// to find out when they begin and end.
func (f *replayFlags) fill(ctx context.Context, spec *scenario.Spec, set *manifest.Set) error {
	location, err := parseZone(f.zone)
	if err != nil {
		return err
	}
	spec.Seed = 1
	spec.Prometheus.EnableFeatures = f.features
	spec.Controller.Phase = scenario.Hashed
	enforce, err := f.enforce.label()
	if err != nil {
		return err
	}
	spec.Controller.EnforceLabel = string(enforce)
	spec.Replay = &scenario.Replay{OpenLoop: f.openLoop, Demand: f.demand}
	if f.capacity != 0 && !positive(f.capacity) {
		return fmt.Errorf("--capacity %v: want a number above 0", f.capacity)
	}
	if (f.demand == "") != (f.capacity == 0) {
		return errors.New("--demand and --capacity go together: a PromQL expression, and how many of its units one replica serves")
	}
	if f.saturation != 0 {
		if !positive(f.saturation) {
			return fmt.Errorf("--saturation %v: want a number above 0, e.g. 1 for 100 %%", f.saturation)
		}
		spec.Replay.Saturation = &f.saturation
	}
	if f.demand != "" {
		spec.Replay.Capacity = &f.capacity
	}
	if !positive(f.scale) {
		return fmt.Errorf("--scale %v: want a number above 0", f.scale)
	}
	if f.scale != 1 {
		spec.Replay.Scale = &f.scale
	}
	if f.lookback != "" {
		d, err := parseDuration("--lookback", f.lookback)
		if err != nil {
			return err
		}
		spec.Prometheus.LookbackDelta = &d
	}
	if f.readyAfter != "" {
		d, err := scenario.ParseStartUp(f.readyAfter)
		if err != nil {
			return fmt.Errorf("--ready-after %s: %w", f.readyAfter, err)
		}
		spec.Replay.ReadyAfter = &d
	}
	if err := f.fillObjects(spec, set); err != nil {
		return err
	}
	return f.fillRecordings(ctx, spec, set, location)
}

// positive numbers are above 0 and finite.
func positive(v float64) bool { return v > 0 && v <= math.MaxFloat64 }

// scaledBy is the API version by which an autoscaler of the set names a target.
func scaledBy(set *manifest.Set, ref scenario.Reference) (string, bool) {
	for _, a := range set.Autoscalers {
		t := a.Object.Spec.ScaleTargetRef
		if a.Object.Namespace == ref.Namespace && t.Kind == ref.Kind && t.Name == ref.Name {
			return t.APIVersion, true
		}
	}
	return "", false
}

// scaledReference reads the name of a target. Without a namespace it is the one that an
// autoscaler scales, if only one has the kind and the name.
func scaledReference(set *manifest.Set, text string) (scenario.Reference, error) {
	ref, err := scenario.ParseReference(text)
	if _, known := scaledBy(set, ref); err != nil || known || strings.Count(text, "/") != 1 {
		return ref, err
	}
	var namespaces []string
	for _, a := range set.Autoscalers {
		t := a.Object.Spec.ScaleTargetRef
		if t.Kind == ref.Kind && t.Name == ref.Name && !slices.Contains(namespaces, a.Object.Namespace) {
			namespaces = append(namespaces, a.Object.Namespace)
		}
	}
	if len(namespaces) == 1 {
		ref.Namespace = namespaces[0]
	}
	return ref, nil
}

func parseDuration(flag, text string) (scenario.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil && text != "0" {
		return 0, fmt.Errorf("%s %s: want a duration such as 90s or 5m", flag, text)
	}
	return scenario.Duration(d), nil
}

// fillObjects reads the flags that name objects.
func (f *replayFlags) fillObjects(spec *scenario.Spec, set *manifest.Set) error {
	for _, r := range f.replicas {
		object, series, ok := strings.Cut(r, "=")
		ref, err := scaledReference(set, object)
		if !ok || err != nil || series == "" {
			return fmt.Errorf("--replicas %s: want [NS/]KIND/NAME=SERIES, e.g. shop/deployment/web=web_replicas", r)
		}
		if _, scaled := scaledBy(set, ref); !scaled {
			return fmt.Errorf("--replicas %s: no autoscaler in the manifests scales %s", r, ref)
		}
		if spec.Replay.Replicas == nil {
			spec.Replay.Replicas = map[string]string{}
		}
		if _, twice := spec.Replay.Replicas[ref.String()]; twice {
			return fmt.Errorf("--replicas %s: %s is named twice", r, ref)
		}
		spec.Replay.Replicas[ref.String()] = series
	}
	for _, t := range f.targets {
		object, count, _ := strings.Cut(t, "=")
		ref, err := scaledReference(set, object)
		n, countErr := strconv.ParseInt(count, 10, 32)
		if err != nil || countErr != nil || n < 0 {
			return fmt.Errorf("--target %s: want [NS/]KIND/NAME=N, e.g. shop/deployment/web=5", t)
		}
		version, scaled := scaledBy(set, ref)
		if !scaled {
			return fmt.Errorf("--target %s: no autoscaler in the manifests scales %s", t, ref)
		}
		if slices.ContainsFunc(spec.Targets, func(t scenario.Target) bool { return t.Reference() == ref }) {
			return fmt.Errorf("--target %s: %s is named twice", t, ref)
		}
		replicas := int32(n)
		spec.Targets = append(spec.Targets, scenario.Target{
			APIVersion: version, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, Replicas: &replicas,
		})
	}
	return nil
}

// fillRecordings names the recordings and makes the run as long as they are.
func (f *replayFlags) fillRecordings(ctx context.Context, spec *scenario.Spec, set *manifest.Set, location *time.Location) error {
	columns, err := f.columns()
	if err != nil {
		return err
	}
	if f.timeColumn != "" {
		columns[f.timeColumn] = ""
	}
	temporary, err := os.MkdirTemp("", "karpenter-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	var all []*recording.Recording
	defer func() {
		for _, r := range all {
			r.Close()
		}
	}()
	wanted, err := recording.ParseLabels(f.labels)
	if err != nil {
		return fmt.Errorf("--label %w", err)
	}
	used := map[string]bool{}
	for i, path := range f.recordings {
		opened, series, err := f.openRecording(ctx, path, location, columns, used, func() (string, error) {
			dir := filepath.Join(temporary, strconv.Itoa(i))
			return dir, os.MkdirAll(dir, 0o700)
		})
		if err != nil {
			return err
		}
		all = append(all, opened)
		narrowed, err := wanted.Of(opened)
		if err != nil {
			return err
		}
		info := opened.Info()
		spec.Recordings = append(spec.Recordings, scenario.Recording{
			File: absolute(path), Format: scenario.Format(info.Format), Series: series, Labels: narrowed, Time: f.timeOf(info.Format, path),
		})
	}
	if err := wanted.Check(all); err != nil {
		return fmt.Errorf("--label %w", err)
	}
	if err := recording.CheckDistinct(all); err != nil {
		return err
	}
	if err := recording.CheckGaps(all); err != nil {
		return err
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		switch {
		case used[column]:
		case column == f.timeColumn:
			return fmt.Errorf("--time-column %s: no recording has this column", quoteArgument(column))
		default:
			return fmt.Errorf("--series %s=...: no recording has this column", column)
		}
	}
	f.fillTimes(spec, set, all)
	return nil
}

// timeOf is how the times of a recording are read, as far as flags say it.
func (f *replayFlags) timeOf(format recording.Format, path string) scenario.RecordingTime {
	if format != recording.CSV {
		return scenario.RecordingTime{}
	}
	t := scenario.RecordingTime{Layout: f.timeLayout}
	if hasColumn(recording.Spec{Path: path, TimeLayout: f.timeLayout}, f.timeColumn) {
		t.Column = f.timeColumn
	}
	if f.zone != "UTC" {
		t.Zone = f.zone
	}
	return t
}

// columns reads the --series flags.
func (f *replayFlags) columns() (map[string]string, error) {
	columns := map[string]string{}
	for _, s := range f.series {
		column, series, ok := strings.Cut(s, "=")
		if !ok || column == "" || series == "" {
			return nil, fmt.Errorf("--series %s: want COLUMN='name{label=\"x\"}'", s)
		}
		if _, twice := columns[column]; twice {
			return nil, fmt.Errorf("--series %s: column %s is named twice", s, column)
		}
		columns[column] = series
	}
	return columns, nil
}

// openRecording opens one recording with those of the named columns that it has.
func (f *replayFlags) openRecording(ctx context.Context, path string, location *time.Location, columns map[string]string, used map[string]bool, tmp func() (string, error)) (*recording.Recording, map[string]string, error) {
	spec := recording.Spec{Path: path, Location: location, Format: formatOfPath(path)}
	if spec.Format == recording.CSV {
		spec.TimeLayout = f.timeLayout
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if !hasColumn(spec, column) {
			continue
		}
		used[column] = true
		if column == f.timeColumn {
			spec.TimeColumn = column
		}
		if series := columns[column]; series != "" {
			if spec.Series == nil {
				spec.Series = map[string]string{}
			}
			spec.Series[column] = series
		}
	}
	opened, err := f.cache.Open(ctx, spec, tmp)
	return opened, spec.Series, err
}

// formatOfPath is CSV for what is one, else empty.
func formatOfPath(path string) recording.Format {
	if columns, err := recording.Columns(recording.Spec{Path: path}); err == nil && columns != nil {
		return recording.CSV
	}
	return ""
}

// hasColumn says whether a recording is a CSV with a column: by its header in any
// case, by #NUMBER, or * for what has no name of its own. What is wrong with the
// file is for the reader of the recording to say.
func hasColumn(spec recording.Spec, name string) bool {
	if name == "" {
		return false
	}
	columns, err := recording.Columns(spec)
	if err != nil || len(columns) == 0 {
		return false
	}
	number, err := strconv.Atoi(strings.TrimPrefix(name, "#"))
	byNumber := err == nil && strings.HasPrefix(name, "#") && number >= 1 && number <= len(columns)
	return name == "*" || byNumber || slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

// assignReplayed tries assignments. Node groups and producers, but schedules, do
// not decide in a replay, in which what they would say is recorded.
func assignReplayed(set *manifest.Set, assignments []string) error {
	changed, err := set.Assign(assignments)
	if err != nil {
		return err
	}
	for i := range set.Producers {
		if o := set.Producers[i].Object; o.Spec.Schedule == nil && changed.Producers[i].Object != o {
			return fmt.Errorf("MetricsProducer %s does not act in a replay, which has its series recorded; a scenario plays it", set.Producers[i].Object.Name)
		}
	}
	for i := range set.NodeGroups {
		if changed.NodeGroups[i].Object != set.NodeGroups[i].Object {
			return fmt.Errorf("ScalableNodeGroup %s does not act in a replay, which has no cloud; a scenario plays it", set.NodeGroups[i].Object.Name)
		}
	}
	return nil
}

// parseVariants reads the --variant flags.
func parseVariants(flags []string) ([]scenario.Variant, error) {
	var out []scenario.Variant
	for _, text := range flags {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || name == "" || rest == "" {
			return nil, fmt.Errorf("--variant %s: want NAME=FILE or NAME=PATH=VALUE[,PATH=VALUE]", text)
		}
		if slices.ContainsFunc(out, func(v scenario.Variant) bool { return v.Name == name }) {
			return nil, fmt.Errorf("--variant %s: %s is named twice; its assignments go into one, NAME=PATH=VALUE,PATH=VALUE, its manifests into one directory", text, name)
		}
		v := scenario.Variant{Name: name}
		if strings.Contains(rest, "=") {
			v.Set = scenario.Assignments{rest}
		} else {
			v.Manifests = []string{absolute(rest)}
		}
		out = append(out, v)
	}
	return out, nil
}

// commandLine is the call as a shell reads it.
func (a *app) commandLine() string {
	words := []string{"karpenter"}
	for _, arg := range a.args {
		words = append(words, quoteArgument(arg))
	}
	return strings.Join(words, " ")
}
