package fake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/teststorage"
	"pgregory.net/rapid"
)

func TestAppendOrder(t *testing.T) {
	cases := []struct {
		reason string
		times  []int64
		err    error
		text   string
	}{
		{reason: "ascending", times: []int64{1000, 2000, 2001}},
		{reason: "the same instant twice", times: []int64{1000, 1000}, err: storage.ErrDuplicateSampleForTimestamp,
			text: `series {__name__="x", pod="a"}: sample at 1970-01-01T00:00:01Z must be later than the one before at 1970-01-01T00:00:01Z`},
		{reason: "back in time", times: []int64{2500, 1000}, err: storage.ErrOutOfOrderSample,
			text: "sample at 1970-01-01T00:00:01Z must be later than the one before at 1970-01-01T00:00:02.5Z"},
	}
	for _, c := range cases {
		series := NewStore().Series(labels.FromStrings("__name__", "x", "pod", "a"))
		var err error
		for _, at := range c.times {
			err = series.Append(at, 1)
		}
		if !errors.Is(err, c.err) || (err != nil && !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: got %v", c.reason, err)
		}
	}
}

func TestIterator(t *testing.T) {
	store := NewStore()
	series := store.Series(labels.FromStrings("__name__", "x"))
	for i := int64(1); i <= 100; i++ {
		if err := series.Append(i*10, float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		it := &iterator{}
		mint, maxt := rapid.Int64Range(0, 1010).Draw(t, "mint"), rapid.Int64Range(0, 1010).Draw(t, "maxt")
		it.reset(series.data, mint, maxt)
		reference := promql.NewStorageSeries(promql.Series{Floats: listOf(series.data, mint, maxt)}).Iterator(nil)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var got, want chunkenc.ValueType
			if rapid.Bool().Draw(t, "seek") {
				at := rapid.Int64Range(0, 1010).Draw(t, "at")
				got, want = it.Seek(at), reference.Seek(at)
			} else {
				got, want = it.Next(), reference.Next()
			}
			if got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
			if want == chunkenc.ValNone {
				return
			}
			if it.AtT() != reference.AtT() {
				t.Fatalf("at %d, want %d", it.AtT(), reference.AtT())
			}
		}
	})
}

func listOf(d *samples, mint, maxt int64) []promql.FPoint {
	var out []promql.FPoint
	for i, at := range d.times {
		if at >= mint && at <= maxt {
			out = append(out, promql.FPoint{T: at, F: d.floats[i]})
		}
	}
	return out
}

func TestPruneKeepsWhatIsVisible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pruned, whole := NewStore(), NewStore()
		names := []string{"a", "b", "c"}
		now := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Int64Range(1, 400).Draw(t, "pause")
			name := labels.FromStrings("__name__", "x", "pod", rapid.SampledFrom(names).Draw(t, "pod"))
			for _, s := range []*Store{pruned, whole} {
				if err := s.Series(name).Append(now, float64(now)); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "prune") == 0 {
				pruned.Prune(now - 1000)
			}
			if got, want := dump(t, pruned, now-1000, now), dump(t, whole, now-1000, now); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		for _, d := range pruned.all.series {
			if d.first > 16+len(d.times)/2 {
				t.Fatalf("%d of %d samples are dead", d.first, len(d.times))
			}
		}
	})
}

func dump(t rapid.TB, s *Store, mint, maxt int64) string {
	q, err := s.Querier(mint, maxt)
	if err != nil {
		t.Fatal(err)
	}
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "x"))
	var out strings.Builder
	for set.Next() {
		it := set.At().Iterator(nil)
		text := ""
		for it.Next() != chunkenc.ValNone {
			at, v := it.At()
			text += fmt.Sprint(" ", at, "=", v)
		}
		if text != "" {
			fmt.Fprint(&out, set.At().Labels(), text, "\n")
		}
	}
	return out.String()
}

// TestCreationOrder says that the order in which series are created has no
// influence on any bit of a result.
func TestCreationOrder(t *testing.T) {
	queries := []string{
		"avg(g)", "sum(g)", "stddev(g)", "topk(2, g)", "bottomk(1, round(g))", "avg(g / on (pod) h)", "avg(max_over_time((g / on (pod) h)[2m:1m]))",
		"avg(histogram_quantile(0.5, label_replace(g, \"le\", \"$1\", \"pod\", \"(.*)\")))", "sum by (zone) (g)", "avg(sum by (zone) (g))", "sum(max_over_time(avg by (zone) (g * 1.1)[3m:1m]))",
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "series")
		var all []InputSpec
		for i := range n {
			for _, name := range []string{"g", "h"} {
				value := float64(rapid.Int64Range(-10000, 10000).Draw(t, "value")) / 100
				all = append(all, InputSpec{Series: fmt.Sprintf(`%s{pod="%d",zone="%d"}`, name, i, i%3), Values: fmt.Sprintf("%gx5", value)})
			}
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		for _, query := range queries {
			want, got := vectorOf(t, all, query), vectorOf(t, shuffled, query)
			if got != want {
				t.Fatalf("%s: shuffled %s, want %s", query, got, want)
			}
		}
	})
}

func vectorOf(t rapid.TB, specs []InputSpec, query string) string {
	feed, err := InputSeries(testStart, time.Minute, specs)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPrometheus(Options{})
	p.Attach(feed)
	if err := p.Advance(testStart + 5*60_000); err != nil {
		t.Fatal(err)
	}
	value, err := p.Instant(query, p.Now())
	if err != nil {
		t.Fatal(err)
	}
	return bits(value)
}

// bits shows a value with all its bits.
func bits(value parser.Value) string {
	var out strings.Builder
	switch v := value.(type) {
	case promql.Vector:
		for _, s := range v {
			fmt.Fprintf(&out, "%s %x %v\n", s.Metric, math.Float64bits(s.F), s.H)
		}
	case promql.Scalar:
		fmt.Fprintf(&out, "%x", math.Float64bits(v.V))
	default:
		fmt.Fprint(&out, v)
	}
	return out.String()
}

// TestAgainstTSDB compares results with those of Prometheus' own storage.
func TestAgainstTSDB(t *testing.T) {
	to := testStart + 40*60*1000
	db := teststorage.New(t)
	feed := wildSamples(11, testStart, to)
	app := db.Appender(context.Background())
	for _, s := range feed.samples {
		if _, err := app.Append(0, feed.labels[s.Series], s.T, s.F); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	p := NewPrometheus(Options{})
	p.Attach(feed)
	if err := p.Advance(to); err != nil {
		t.Fatal(err)
	}
	ranges := []string{"[30s]", "[1m]", "[5m]", "[20m]"}
	functions := []string{"rate", "increase", "delta", "idelta", "avg_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time", "changes", "deriv"}
	rapid.Check(t, func(rt *rapid.T) {
		metric := rapid.SampledFrom([]string{"a_total", "b_total", "g", `{pod=~"1|2"}`, `h{zone!="1"}`, "lat_bucket"}).Draw(rt, "metric")
		offset := rapid.SampledFrom([]string{"", " offset 2m", " offset -1m", " @ 1700001000"}).Draw(rt, "offset")
		query := metric + offset
		if rapid.Bool().Draw(rt, "range") {
			query = rapid.SampledFrom(functions).Draw(rt, "function") + "(" + metric + rapid.SampledFrom(ranges).Draw(rt, "window") + offset + ")"
		}
		if a := rapid.SampledFrom([]string{"", "max", "min", "count", "max by (zone)", "group"}).Draw(rt, "aggregation"); a != "" {
			query = a + "(" + query + ")"
		}
		at := rapid.Int64Range(testStart, to).Draw(rt, "at")
		want, wantErr := directly(p.planner.engine, db, query, at)
		got, gotErr := p.Instant(query, at)
		if (wantErr == nil) != (gotErr == nil) || gotErr == nil && bits(got) != bits(want) {
			rt.Fatalf("%s at %d: got %v, %v; TSDB has %v, %v", query, at, got, gotErr, want, wantErr)
		}
	})
}

// directly evaluates a query without a plan.
func directly(engine *promql.Engine, q storage.Queryable, query string, at int64) (parser.Value, error) {
	instant, err := engine.NewInstantQuery(context.Background(), q, nil, query, time.UnixMilli(at))
	if err != nil {
		return nil, err
	}
	result := instant.Exec(context.Background())
	if v, ok := result.Value.(promql.Vector); ok {
		sortVector(v)
	}
	return result.Value, result.Err
}
