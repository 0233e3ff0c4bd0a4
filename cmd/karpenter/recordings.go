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
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

func (a *app) recordingsCommand() *cobra.Command {
	var flags replayFlags
	var format string
	c := &cobra.Command{
		Use:   "recordings SRC ...",
		Short: "Show what recordings hold: series, spacing, gaps, first and last time, units",
		Long: `Recordings shows what replay makes of files with metrics: the series in them with the
number of samples, the median time between two, the gaps (more than 1.5 times that),
the first and last time, the unit and the range of values; and of a CSV what became
of each column. Units are those of the cells, else those that names end in.`,
		Example: `  karpenter recordings metrics.csv
  karpenter recordings metrics.csv --tz Europe/Berlin --series 'value=orders' -o json`,
		Args: someArgs("a recording: CSV, OpenMetrics, query_range JSON, TSDB block or snapshot, or what record wrote"),
		RunE: func(c *cobra.Command, paths []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			flags.Recordings = paths
			return a.describeRecordings(c.Context(), &flags, format)
		},
	}
	flags.addColumns(c.Flags())
	c.Flags().StringArrayVar(&flags.Labels, "label", nil, "read only recorded series with this label: NAME=VALUE, e.g. cluster=eu1 (repeatable)")
	c.Flags().StringVar(&flags.Zone, "tz", "UTC", "time zone of CSV times without an offset, and of what is shown")
	addFormat(c, &format)
	return c
}

// A recordingView is a recording as it is shown.
type recordingView struct {
	Path    string       `json:"path"`
	Format  string       `json:"format"`
	First   string       `json:"first"`
	Last    string       `json:"last"`
	Samples int64        `json:"samples"`
	Spacing float64      `json:"spacingSeconds"`
	Columns []columnView `json:"columns,omitempty"`
	Series  []seriesView `json:"series"`
	Notes   []string     `json:"notes,omitempty"`
	// more is the number of series that are not listed.
	more int
}

type columnView struct {
	Header string `json:"header"`
	Became string `json:"became"`
	Detail string `json:"detail,omitempty"`
	Unit   string `json:"unit,omitempty"`
}

type seriesView struct {
	Series     string   `json:"series"`
	Samples    int64    `json:"samples"`
	Spacing    float64  `json:"spacingSeconds"`
	Gaps       int64    `json:"gaps"`
	LongestGap float64  `json:"longestGapSeconds,omitempty"`
	First      string   `json:"first"`
	Last       string   `json:"last"`
	Unit       string   `json:"unit,omitempty"`
	Min        *float64 `json:"min,omitempty"`
	Max        *float64 `json:"max,omitempty"`
}

func (a *app) describeRecordings(ctx context.Context, f *replayFlags, format string) error {
	location, err := parseZone(f.Zone)
	if err != nil {
		return err
	}
	columns, err := f.Columns()
	if err != nil {
		return err
	}
	wanted, err := recording.ParseLabels(f.Labels)
	if err != nil {
		return fmt.Errorf("--label %w", err)
	}
	temporary, err := os.MkdirTemp("", "karpenter-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(temporary)
	used, found := map[string]bool{}, map[string]bool{}
	views := []recordingView{}
	most := limit.DescribedSeries
	if format == tableFormat {
		most = seriesMost
	}
	var errs []error
	for i, path := range f.Recordings {
		view, err := f.describe(ctx, path, most, location, columns, used, wanted, found, filepath.Join(temporary, strconv.Itoa(i)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errs = append(errs, err); err == nil {
			views = append(views, *view)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if !found[name] {
			return fmt.Errorf("--label %s=%s: no recorded series has a label %s", name, wanted[name], name)
		}
	}
	for column := range columns {
		if !used[column] {
			return fmt.Errorf("%s: no recording has this column", quoteArgument(column))
		}
	}
	if format != tableFormat {
		return a.encode(format, views)
	}
	for i := range views {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := a.printRecording(&views[i]); err != nil {
			return internal(err)
		}
	}
	return nil
}

// describe opens a recording and describes what it holds.
func (f *replayFlags) describe(ctx context.Context, path string, most int, location *time.Location, columns map[string]string, used map[string]bool, wanted recording.Labels, found map[string]bool, dir string) (view *recordingView, err error) {
	rec, _, err := f.Open(ctx, path, location, columns, used, func() (string, error) { return dir, os.MkdirAll(dir, 0o700) })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rec.Close()) }()
	if err := narrowTo(wanted, rec, found); err != nil {
		return nil, err
	}
	held, err := rec.Describe(ctx, most)
	if err != nil {
		return nil, err
	}
	if held.More > 0 && most != seriesMost {
		return nil, fmt.Errorf("%s: holds %d series; at most %d are listed: select fewer by --label, or have a table of the first %d", path, len(held.Series)+held.More, most, seriesMost)
	}
	info := rec.Info()
	at := func(ms int64) string { return time.UnixMilli(ms).In(location).Format(time.RFC3339Nano) }
	view = &recordingView{Path: path, Format: string(info.Format), First: at(info.First), Last: at(info.Last), Spacing: info.MedianSpacing.Seconds(), Samples: held.Samples, Series: []seriesView{}, more: held.More, Notes: info.Notes}
	for _, c := range info.Columns {
		view.Columns = append(view.Columns, columnView{c.Header, c.Became, c.Detail, c.Unit})
	}
	for i := range held.Series {
		d := &held.Series[i]
		s := seriesView{
			Series: d.Name(), Samples: d.Samples, Spacing: d.Spacing.Seconds(), Gaps: d.Gaps, LongestGap: d.LongestGap.Seconds(),
			First: at(d.First), Last: at(d.Last), Unit: d.Unit,
		}
		if !math.IsNaN(d.Min) {
			s.Min, s.Max = &d.Min, &d.Max
		}
		view.Series = append(view.Series, s)
	}
	return view, nil
}

// narrowTo has only the series of a recording with these labels seen, as far as it has
// any with them, and marks them in found.
func narrowTo(wanted recording.Labels, rec *recording.Recording, found map[string]bool) error {
	its, err := wanted.Of(rec)
	if err != nil {
		return err
	}
	for name := range its {
		found[name] = true
	}
	if err := rec.Narrow(its); err != nil {
		return fmt.Errorf("--label: %w", err)
	}
	return nil
}

// seriesMost is how many series a table lists.
const seriesMost = 50

func (a *app) printRecording(v *recordingView) error {
	fmt.Fprintf(a.stdout, "%s: %s, %s, %d samples, %s to %s\n", escape.Inline(v.Path), v.Format, plurals(len(v.Series)+v.more, "series", "series"), v.Samples, v.First, v.Last)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if len(v.Columns) > 0 {
		fmt.Fprintln(w, "\nCOLUMN\tBECAME\tDETAIL\tUNIT")
		for _, c := range v.Columns[:min(len(v.Columns), seriesMost)] {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", escape.Inline(dash(c.Header)), c.Became, escape.Inline(dash(c.Detail)), escape.Inline(dash(c.Unit)))
		}
	}
	fmt.Fprintln(w, "\nSERIES\tSAMPLES\tSPACING\tGAPS\tFIRST\tLAST\tUNIT\tVALUES")
	for _, s := range v.Series {
		gaps := "none"
		if s.Gaps > 0 {
			gaps = fmt.Sprintf("%d, up to %s", s.Gaps, lasting(s.LongestGap))
		}
		values := "-"
		if s.Min != nil {
			values = fmt.Sprintf("%.6g to %.6g", *s.Min, *s.Max)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", escape.Inline(s.Series), s.Samples, lasting(s.Spacing), gaps, s.First, s.Last, escape.Inline(dash(s.Unit)), values)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if v.more > 0 {
		way := "-o json lists all"
		if v.more+len(v.Series) > limit.DescribedSeries {
			way = "--label selects fewer"
		}
		fmt.Fprintf(a.stdout, "and %d more series; %s\n", v.more, way)
	}
	if more := len(v.Columns) - seriesMost; more > 0 {
		fmt.Fprintf(a.stdout, "and %d more columns; -o json lists all\n", more)
	}
	for _, n := range v.Notes {
		a.note("%s", n)
	}
	return nil
}

// lasting is a time in seconds as Prometheus writes durations.
func lasting(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return model.Duration(time.Duration(math.Round(seconds*1000)) * time.Millisecond).String()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func plurals(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
