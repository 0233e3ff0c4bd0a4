package recording

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// stale is the marker that Prometheus writes of a series.
func stale(series string, t int64) given {
	return given{series: series, t: t, f: math.Float64frombits(value.StaleNaN)}
}

// TestStaleMarkersAreInferred records what Prometheus stored by remote read, which has
// its markers, and by the query API, which has none: both recordings are the same.
func TestStaleMarkersAreInferred(t *testing.T) {
	t.Parallel()
	on := regular(`jobs`, 0, minute, 180)
	web := func(from, count int64) []given { return regular(`web{pod="a"}`, from*minute, minute, int(count)) }
	marker := func(at int64) given { return stale(`web{pod="a"}`, at*minute) }
	together := func(parts ...[]given) []given { return slices.Concat(parts...) }
	tests := map[string]struct {
		reason string
		stored []given
	}{
		"Ended":      {"a series is missing from the scrapes after a chunk's end", together(web(0, 120), []given{marker(120)}, on)},
		"Returned":   {"it comes back", together(web(0, 50), []given{marker(50)}, web(100, 80), on)},
		"MissedOnce": {"one scrape without it", together(web(0, 50), []given{marker(50)}, web(51, 129), on)},
		"ServerDown": {"all series pause: the server was down, which leaves no marker", together(web(0, 50), web(100, 80), regular(`jobs`, 0, minute, 50), regular(`jobs`, 100*minute, minute, 80))},
		"GoesOn":     {"to the end of the recording", together(web(0, 180), on)},
		"Slower":     {"scraped less often than the other", together(regular(`web{pod="a"}`, 0, 4*minute, 30), []given{marker(120)}, on)},
		"Faster":     {"scraped more often than the other", together(regular(`web{pod="a"}`, 0, minute/6, 720), []given{marker(120)}, on)},
		"TooFew":     {"three samples tell no interval", together(web(0, 3), on)},
		"Pushed":     {"samples with times of their own, of which Prometheus writes no marker", together([]given{{series: "web", t: 0, f: 1}, {series: "web", t: 7_000, f: 1}, {series: "web", t: 29_000, f: 1}, {series: "web", t: 31_000, f: 1}, {series: "web", t: 80_000, f: 1}}, on)},
		"NoOther":    {"nothing else tells that the server went on", web(0, 120)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			recorded := func(source Source) []point {
				dir := filepath.Join(t.TempDir(), "out")
				if err := Record(context.Background(), source, planFor(t, `{__name__=~"web|jobs"}`, 0, 179*minute), dir, nil); err != nil {
					t.Fatal(err)
				}
				return all(t, open(t, Spec{Path: dir}))
			}
			read, err := NewRemoteRead(remoteServer(t, tc.stored).URL+"/prom", nil)
			if err != nil {
				t.Fatal(err)
			}
			query, err := NewQueryAPI(queryServer(t, tc.stored).URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(recorded(read), recorded(query), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-remote read +query API):\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDownsampled refuses what Thanos' compactor has made of samples, which it puts at
// the end of each of its windows, and nothing that was scraped.
func TestDownsampled(t *testing.T) {
	tests := map[string]struct {
		reason      string
		first, step int64
		want        string
	}{
		"FiveMinutes": {"of each window the last millisecond", 299_999, 300_000, "downsampled to 5m"},
		"Hour":        {"the second level", 3_599_999, 3_600_000, "downsampled to 1h"},
		"Scraped":     {"every five minutes at another millisecond", 12_345, 300_000, ""},
		"Usual":       {"every 15 s", 0, 15_000, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, err := NewQueryAPI(queryServer(t, regular(`web{pod="a"}`, tc.first, tc.step, 5)).URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "web")}
			err = collect(context.Background(), source, []Selector{{Matchers: matchers}}, span{0, 359 * minute}, newBuilder())
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s: %v, want %q", tc.reason, err, tc.want)
			}
		})
	}
}
