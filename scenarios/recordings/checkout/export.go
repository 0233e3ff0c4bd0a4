package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// wanted are the series that a recording keeps: the service's, its replicas'
// and whether the scrapes worked.
const wanted = `http_.+|kube_.+|process_cpu_seconds_total|process_resident_memory_bytes|up`

// sample is one stored sample with the labels of its series.
type sample struct {
	series labels.Labels
	name   string
	group  string  // the series' labels without name and le, as text
	rank   float64 // a histogram's buckets by le, then its count and its sum
	at     int64   // Unix milliseconds, as stored
	value  float64
}

func export(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("export", flag.ExitOnError)
	dir := flags.String("tsdb", "", "data directory of a Prometheus server that has stopped")
	out := flags.String("out", "checkout.om.gz", "file to write")
	match := flags.String("match", wanted, "regular expression of the names to keep")
	if err := flags.Parse(args); err != nil {
		return err
	}

	samples, err := read(ctx, *dir, *match)
	if err != nil {
		return fmt.Errorf("read %s: %w", *dir, err)
	}
	if len(samples) == 0 {
		return fmt.Errorf("%s has no sample of %s", *dir, *match)
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer file.Close()

	packed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := errors.Join(write(packed, samples), packed.Close(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", *out, err)
	}
	fmt.Printf("%s: %d samples\n", *out, len(samples))
	return nil
}

// read returns the samples of a stopped server's data directory, blocks and
// write-ahead log, with the times at which they were scraped.
func read(ctx context.Context, dir, match string) (_ []sample, err error) {
	db, err := tsdb.OpenDBReadOnly(dir, os.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	querier, err := db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, querier.Close()) }()

	names, err := labels.NewMatcher(labels.MatchRegexp, model.MetricNameLabel, match)
	if err != nil {
		return nil, err
	}
	return collect(querier.Select(ctx, true, nil, names))
}

// collect reads floats. A stale marker says that a series ended, which
// OpenMetrics text cannot say, so markers are left out.
func collect(set storage.SeriesSet) ([]sample, error) {
	var samples []sample
	var it chunkenc.Iterator
	for set.Next() {
		series := set.At().Labels()
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			if value.IsStaleNaN(v) {
				continue
			}
			samples = append(samples, sample{
				series: series, name: series.Get(model.MetricNameLabel),
				group: group(series), rank: rank(series), at: at, value: v,
			})
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	return samples, set.Err()
}

func group(series labels.Labels) string {
	return labels.NewBuilder(series).Del(model.MetricNameLabel, labels.BucketLabel).Labels().String()
}

func rank(series labels.Labels) float64 {
	le, err := strconv.ParseFloat(series.Get(labels.BucketLabel), 64)
	if err != nil {
		return math.Inf(1)
	}
	return le
}

// family returns the name and the type that OpenMetrics gives to a series.
func family(name string) (string, string) {
	for _, f := range []struct{ suffix, kind string }{
		{"_total", "counter"}, {"_bucket", "histogram"}, {"_count", "histogram"}, {"_sum", "histogram"},
	} {
		if base, ok := strings.CutSuffix(name, f.suffix); ok {
			return base, f.kind
		}
	}
	return name, "gauge"
}

// write writes samples as OpenMetrics text: family by family, in each the label
// sets one after another, in each its samples by time.
func write(w io.Writer, samples []sample) error {
	slices.SortStableFunc(samples, func(a, b sample) int {
		af, _ := family(a.name)
		bf, _ := family(b.name)
		return cmp.Or(
			cmp.Compare(af, bf), cmp.Compare(a.group, b.group), cmp.Compare(a.at, b.at),
			cmp.Compare(a.rank, b.rank), cmp.Compare(a.name, b.name),
		)
	})

	text := bufio.NewWriter(w)
	last := ""
	for _, s := range samples {
		name, kind := family(s.name)
		if name != last {
			fmt.Fprintf(text, "# TYPE %s %s\n", name, kind)
			last = name
		}
		fmt.Fprintf(text, "%s %s %d.%03d\n", series(s), strconv.FormatFloat(s.value, 'g', -1, 64), s.at/1000, s.at%1000)
	}
	text.WriteString("# EOF\n")
	return text.Flush()
}

func series(s sample) string {
	var set []string
	s.series.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			set = append(set, fmt.Sprintf("%s=%q", l.Name, l.Value))
		}
	})
	return s.name + "{" + strings.Join(set, ",") + "}"
}
