package sim

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"
)

// What is written of a series is what its scrapes say one after another: a sample
// where the value changed, one a heartbeat, and the last one.
func TestSeriesAreWrittenAsScraped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.SampledFrom([]int64{5_000, 15_000, 70_000, 300_000}).Draw(t, "interval")
		const start = 1_000_000
		var out, want bytes.Buffer
		w := newSeriesWriter(&out, start, interval)
		names := []string{"a", "b", "c"}
		written := make([][]string, len(names))
		last := make([]struct {
			t, seen int64
			v       float64
		}, len(names))
		for i := range int64(rapid.IntRange(1, 60).Draw(t, "scrapes")) {
			now := start + i*interval
			emit := w.tee(now, func(labels.Labels, float64) {})
			for j, name := range names {
				if j > 0 && rapid.IntRange(0, 4).Draw(t, "there") == 0 {
					continue
				}
				v := float64(rapid.IntRange(0, 5).Draw(t, "value") / 5)
				emit(labels.FromStrings(labels.MetricName, name), v)
				l := &last[j]
				if len(written[j]) == 0 || l.v != v || now-l.t >= heartbeat {
					written[j] = append(written[j], fmt.Sprintf("%s{} %v %v\n", name, v, float64(now)/1000))
					l.t, l.v = now, v
				}
				l.seen = now
			}
		}
		for j, name := range names {
			if len(written[j]) == 0 {
				continue
			}
			fmt.Fprintf(&want, "# TYPE %s gauge\n", name)
			if l := last[j]; l.seen != l.t {
				written[j] = append(written[j], fmt.Sprintf("%s{} %v %v\n", name, l.v, float64(l.seen)/1000))
			}
			for _, line := range written[j] {
				want.WriteString(line)
			}
		}
		want.WriteString("# EOF\n")
		if err := w.write(&out, w.order); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), out.String()); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func TestASeriesThatIsPublishedTwiceIsRefused(t *testing.T) {
	w := newSeriesWriter(io.Discard, 0, 15_000)
	emit := w.tee(30_000, func(labels.Labels, float64) {})
	for range 2 {
		emit(labels.FromStrings(labels.MetricName, "a"), 1)
	}
	if err := w.write(io.Discard, w.order); err == nil {
		t.Error("a series with two values at one instant was written")
	}
}
