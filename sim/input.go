package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// An Input holds what all columns of a scenario share: its file and its open
// recordings. Close it after the last run.
type Input struct {
	File *scenario.File
	// Lookback is how old a sample may be that an instant query returns.
	Lookback time.Duration
	// Notes say what was assumed or changed on the way in, a line each.
	Notes []string

	// noting guards Notes against columns that are played at once.
	noting *sync.Mutex
	// begins says why a replay begins later than its recording; empty where it
	// does not.
	begins string
	// aligned is the instant with which aligned slots are.
	aligned    time.Time
	start, end int64 // Unix milliseconds; end is exclusive for decisions
	recordings []*recording.Recording
	cache      *recording.Cache // nil unless others share it
	inputs     *fake.Inputs     // nil without inputSeries
	derived    []*derived       // what Record made
	features   fake.Features
	temporary  string
	converted  int
	shared     *shared
	// demands has the demand on each target of the pinned column; nil before Pin.
	demands []*demand
	// leadsIn says that this is the time before the run, in which nothing acts.
	leadsIn bool
	// evidence tells how recorded metrics answer to replicas, once asked for.
	evidence map[evidenceKey]*evidence
}

// Open opens the scenario's recordings. Errors are one line, with the place in
// the recording or the scenario file.
func Open(ctx context.Context, file *scenario.File) (*Input, error) {
	return OpenCached(ctx, file, nil)
}

// OpenCached is Open for one of many scenarios over the same recordings, which the
// cache converts once.
func OpenCached(ctx context.Context, file *scenario.File, cache *recording.Cache) (*Input, error) {
	spec := &file.Spec
	features, err := fake.ParseFeatures(spec.Prometheus.EnableFeatures...)
	if err != nil {
		return nil, err
	}
	in := &Input{noting: &sync.Mutex{}, shared: &shared{recorded: map[gridQuery]Steps{}}, cache: cache, File: file, start: spec.Start.UnixMilli(), aligned: spec.Start.Time, features: features}
	in.end = in.start + time.Duration(spec.Duration).Milliseconds()
	if err := in.parseInputs(); err != nil {
		return nil, err
	}
	for i := range spec.Recordings {
		if err := in.open(ctx, &spec.Recordings[i]); err != nil {
			in.Close()
			return nil, err
		}
	}
	in.Lookback = recording.Lookback(in.recordings...)
	if spec.Prometheus.LookbackDelta != nil {
		in.Lookback = time.Duration(*spec.Prometheus.LookbackDelta)
	}
	if err := in.covers(); err != nil {
		in.Close()
		return nil, err
	}
	in.noteBegin()
	return in, nil
}

func (in *Input) parseInputs() error {
	spec := &in.File.Spec
	if len(spec.InputSeries) == 0 {
		return nil
	}
	inputs := make([]fake.InputSpec, len(spec.InputSeries))
	for i, s := range spec.InputSeries {
		inputs[i] = fake.InputSpec{Series: s.Series, Values: s.Values}
	}
	var err error
	in.inputs, err = fake.ParseInputs(in.start, time.Duration(spec.Interval), inputs)
	return err
}

func (in *Input) open(ctx context.Context, r *scenario.Recording) error {
	location, err := time.LoadLocation(r.Time.Zone)
	if err != nil {
		return err
	}
	given := recording.Spec{
		Path: in.File.Resolve(r.File), Format: recording.Format(r.Format),
		TimeColumn: r.Time.Column, TimeLayout: r.Time.Layout, Location: location,
		Series: r.Series, Labels: r.Labels, InScenario: true,
	}
	if r.Scale != nil {
		given.Scale = *r.Scale
	}
	if r.Shift == scenario.ToStart {
		given.ShiftTo = &in.File.Spec.Start.Time
	}
	opened, err := in.cache.Open(ctx, given, in.directory)
	if err != nil {
		return err
	}
	in.recordings = append(in.recordings, opened)
	in.Notes = append(in.Notes, opened.Info().Notes...)
	return nil
}

// EnforcedLabel is the label that every selector of the run's queries gets.
func (in *Input) EnforcedLabel() promql.Label {
	return promql.Label(in.File.Spec.Controller.EnforceLabel)
}

// In returns the input with another world, which change makes of a copy of the
// spec; nothing is expected of it. It must not be closed, nor used after the input is.
func (in *Input) In(change func(*scenario.Spec)) *Input {
	file, s := *in.File, *in.File.Scenario
	spec := &s.Spec
	spec.Targets, spec.Workloads, spec.NodeGroups = slices.Clone(spec.Targets), slices.Clone(spec.Workloads), slices.Clone(spec.NodeGroups)
	spec.Faults, spec.Edits, spec.Expect = slices.Clone(spec.Faults), slices.Clone(spec.Edits), nil
	if spec.Replay != nil {
		replay := *spec.Replay
		spec.Replay = &replay
	}
	change(spec)
	file.Scenario = &s
	other := *in
	other.File = &file
	return &other
}

// warn notes something once, whichever column finds it.
func (in *Input) warn(format string, args ...any) {
	in.noting.Lock()
	defer in.noting.Unlock()
	if note := fmt.Sprintf(format, args...); !slices.Contains(in.Notes, note) {
		in.Notes = append(in.Notes, note)
	}
}

// directory makes a temporary directory for a converted recording.
func (in *Input) directory() (string, error) {
	if in.temporary == "" {
		dir, err := os.MkdirTemp("", "karpenter-")
		if err != nil {
			return "", err
		}
		in.temporary = dir
	}
	in.converted++
	dir := filepath.Join(in.temporary, fmt.Sprint(in.converted))
	return dir, os.Mkdir(dir, 0o700)
}

// covers refuses a recording that has nothing to say during the run.
func (in *Input) covers() error {
	for i, r := range in.recordings {
		info := r.Info()
		if info.Last < in.start || info.First >= in.end {
			return in.File.Doc.Errorf(fmt.Sprintf("spec.recordings[%d]", i), "%s has samples from %s to %s, the run lasts from %s to %s; move spec.start, or say shift: toStart",
				info.Path, instant(info.First), instant(info.Last), instant(in.start), instant(in.end))
		}
	}
	return nil
}

// enforce is the label that the scenario's controller enforces.
func (in *Input) enforce() promql.Label { return promql.Label(in.File.Spec.Controller.EnforceLabel) }

// Recordings returns what is known of the recordings.
func (in *Input) Recordings() []recording.Info {
	var list []recording.Info
	for _, r := range in.recordings {
		list = append(list, r.Info())
	}
	return list
}

// Close closes the recordings and removes what was converted.
func (in *Input) Close() error {
	var errs []error
	for _, r := range in.recordings {
		errs = append(errs, r.Close())
	}
	if in.temporary != "" {
		errs = append(errs, os.RemoveAll(in.temporary))
	}
	return errors.Join(errs...)
}

// feed streams the samples that the queries can see, from inputSeries and
// recordings; without queries, all samples. A series that drop accepts is left out.
func (in *Input) feed(queries []string, drop func(labels.Labels) bool) (fake.Feed, error) {
	if queries != nil && len(queries) == 0 {
		return fake.MergeFeeds(), nil
	}
	matchers, from, err := in.needed(queries)
	if err != nil {
		return nil, err
	}
	var feeds []fake.Feed
	if in.inputs != nil {
		feeds = append(feeds, in.inputs.Feed())
	}
	for _, r := range in.recordings {
		if m := r.Info().Manifest; m != nil && m.Evaluated {
			continue
		}
		feed, err := r.Feed(matchers, from, in.end)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, feed)
	}
	for _, d := range in.derived {
		if d.selected(matchers) {
			feeds = append(feeds, d.feed())
		}
	}
	merged := fake.MergeFeeds(feeds...)
	if drop != nil {
		merged = &filtered{Feed: merged, drop: drop}
	}
	return merged, nil
}

// needed are the series that queries read, and the instant from which on they
// read them.
func (in *Input) needed(queries []string) (matchers [][]*labels.Matcher, from int64, err error) {
	if queries == nil {
		return nil, math.MinInt64, nil
	}
	from = in.start
	matchers = [][]*labels.Matcher{}
	for _, q := range queries {
		selectors, err := recording.Selectors(q)
		if err != nil {
			return nil, 0, err
		}
		matchers = append(matchers, recording.Matchers(selectors)...)
		for _, s := range selectors {
			if s.At != nil {
				from = math.MinInt64
			}
			from = min(from, in.start-s.Before-in.Lookback.Milliseconds())
		}
	}
	return matchers, from, nil
}

// names returns those of givenNames that are nearest to a query's, as many as fit a
// line, and what could give a name to those series that have none.
func (in *Input) names(query string) string {
	names, _, err := in.givenNames(math.MaxInt)
	if err != nil {
		return "names that cannot be read: " + err.Error()
	}
	var asked string
	if selectors, err := recording.Selectors(query); err == nil && len(selectors) > 0 {
		asked = selectors[0].Name()
	}
	unnamed := slices.Contains(names, "")
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	list := recording.NearestListed(asked, names)
	switch {
	case !unnamed:
		return list
	case list == "":
		list = "series"
	default:
		list += " and series"
	}
	return list + " without a metric name, to which --series '*=NAME' (or series: {\"*\": NAME} of a scenario's recording) gives one"
}

// givenNames are the recorded and synthetic metrics' names, sorted; more is how
// many recorded ones there are beyond most.
func (in *Input) givenNames(most int) (names []string, more int, err error) {
	names, more, err = recording.Names(in.recordings, most)
	for _, s := range in.File.Spec.InputSeries {
		if name := metricName(s.Series); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, more, err
}

func metricName(series string) string {
	for i, c := range series {
		if c == '{' {
			return series[:i]
		}
	}
	return series
}

// filtered is a feed without the series that are dropped.
type filtered struct {
	fake.Feed
	drop func(labels.Labels) bool
	// index maps the feed's series to the ones that are left, -1 for dropped.
	index []int
	kept  []int
}

// Labels implements fake.Feed.
func (f *filtered) Labels(series int) labels.Labels { return f.Feed.Labels(f.kept[series]) }

// Next implements fake.Feed.
func (f *filtered) Next() (fake.Sample, error) {
	for {
		s, err := f.Feed.Next()
		if err != nil {
			return s, err
		}
		for s.Series >= len(f.index) {
			next := len(f.index)
			f.index = append(f.index, -1)
			if !f.drop(f.Feed.Labels(next)) {
				f.index[next] = len(f.kept)
				f.kept = append(f.kept, next)
			}
		}
		if i := f.index[s.Series]; i >= 0 {
			s.Series = i
			return s, nil
		}
	}
}

var _ io.Closer = (*filtered)(nil)

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
