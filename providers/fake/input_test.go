package fake

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/value"
)

// drain reads a feed to its end, as text.
func drain(t testing.TB, f Feed) []string {
	t.Helper()
	var out []string
	for {
		s, err := f.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(s.F)
		switch {
		case s.H != nil:
			text = s.H.TestExpression()
		case value.IsStaleNaN(s.F):
			text = "stale"
		}
		out = append(out, fmt.Sprintf("%d#%d %s %s", s.T-testStart, s.Series, f.Labels(s.Series), text))
	}
}

func TestInputSeries(t *testing.T) {
	cases := []struct {
		reason string
		specs  []InputSpec
		want   []string
	}{
		{reason: "repetition counts one more, as in promtool", specs: []InputSpec{{Series: "x", Values: "5x2"}},
			want: []string{`0#0 {__name__="x"} 5`, `1000#0 {__name__="x"} 5`, `2000#0 {__name__="x"} 5`}},
		{reason: "increments", specs: []InputSpec{{Series: "x", Values: "1+2x1 10-5x1"}},
			want: []string{`0#0 {__name__="x"} 1`, `1000#0 {__name__="x"} 3`, `2000#0 {__name__="x"} 10`, `3000#0 {__name__="x"} 5`}},
		{reason: "gaps and the end of a series", specs: []InputSpec{{Series: "x", Values: "1 _ _x2 stale"}},
			want: []string{`0#0 {__name__="x"} 1`, `4000#0 {__name__="x"} stale`}},
		{reason: "stale as the first value", specs: []InputSpec{{Series: "x", Values: "stale 1"}},
			want: []string{`0#0 {__name__="x"} stale`, `1000#0 {__name__="x"} 1`}},
		{reason: "several series go side by side, the shorter ones end", specs: []InputSpec{{Series: "x", Values: "1"}, {Series: `y{a="b"}`, Values: "2 3"}},
			want: []string{`0#0 {__name__="x"} 1`, `0#1 {__name__="y", a="b"} 2`, `1000#1 {__name__="y", a="b"} 3`}},
		{reason: "native histograms", specs: []InputSpec{{Series: "x", Values: "{{sum:3 count:2}}x1"}},
			want: []string{`0#0 {__name__="x"} {{count:2 sum:3}}`, `1000#0 {__name__="x"} {{count:2 sum:3}}`}},
		{reason: "no values", specs: []InputSpec{{Series: "x", Values: ""}}},
		{reason: "an x in a label is no repetition", specs: []InputSpec{{Series: `x{a="x99999999999"}`, Values: "1"}},
			want: []string{`0#0 {__name__="x", a="x99999999999"} 1`}},
	}
	for _, c := range cases {
		feed, err := InputSeries(testStart, time.Second, c.specs)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		if diff := cmp.Diff(c.want, drain(t, feed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}

func TestInputSeriesErrors(t *testing.T) {
	cases := []struct {
		reason   string
		interval time.Duration
		specs    []InputSpec
		want     string
	}{
		{reason: "more than memory holds", specs: []InputSpec{{Series: "x", Values: "0+1x999999999999", Where: "s.yaml:4:7"}},
			want: `s.yaml:4:7: input series "x": too many values: all input series together may have at most 10000000 samples`},
		{reason: "more than a number holds", specs: []InputSpec{{Series: "x", Values: "1x99999999999999999999999"}}, want: "too many values"},
		{reason: "gaps count too", specs: []InputSpec{{Series: "x", Values: "_x20000000"}}, want: "too many values"},
		{reason: "together too many", specs: []InputSpec{{Series: "x", Values: "1x6000000"}, {Series: "y", Values: "1x6000000"}}, want: `"y": too many values`},
		{reason: "histograms are bigger", specs: []InputSpec{{Series: "x", Values: "{{count:1}}x200000"}}, want: "100000 if they are histograms"},
		{reason: "a mistake in the values", specs: []InputSpec{{Series: "x", Values: "1 2 abc", Where: "s.yaml:5:13"}},
			want: `s.yaml:5:13: input series "x": values, character 5: `},
		{reason: "a mistake in the series", specs: []InputSpec{{Series: `x{a=b}`, Values: "1"}}, want: `input series "x{a=b}": series, character 5: `},
		{reason: "the same series twice", specs: []InputSpec{{Series: `x{a="1",b="2"}`, Values: "1", Where: "s.yaml:1:1"}, {Series: `x{b="2",a="1"}`, Values: "1", Where: "s.yaml:2:1"}},
			want: "defined twice, first at s.yaml:1:1"},
		{reason: "no interval", interval: -1, want: "at least 1ms"},
	}
	for _, c := range cases {
		interval := time.Second
		if c.interval < 0 {
			interval = 0
		}
		_, err := InputSeries(0, interval, c.specs)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
		}
	}
}

func FuzzInputSeries(f *testing.F) {
	for _, values := range []string{"1 2 3", "0+1x10 _x3 stale", "{{schema:1 sum:3 count:2 buckets:[1 1]}}x3", "0x40", "1x99999999999999999999", "-.5e3-1x2", "{{}}+{{}}x2", "1 x", "_x0"} {
		f.Add(`x{a="b"}`, values)
	}
	f.Fuzz(func(t *testing.T, series, values string) {
		// Expanding millions of values again and again would find nothing new.
		if countInputSamples(values) > 10_000 {
			return
		}
		feed, err := InputSeries(0, time.Second, []InputSpec{{Series: series, Values: values}})
		if err != nil {
			return
		}
		last := int64(math.MinInt64)
		for {
			s, err := feed.Next()
			if err != nil {
				return
			}
			if s.T <= last {
				t.Fatalf("%d after %d", s.T, last)
			}
			last = s.T
		}
	})
}

func TestMergeFeeds(t *testing.T) {
	a := feedOf(t, testStart, 2*time.Second, InputSpec{Series: "x", Values: "1 2 3"}, InputSpec{Series: "y", Values: "4"})
	b := feedOf(t, testStart+1000, time.Second, InputSpec{Series: "x", Values: "5 6"})
	want := []string{
		`0#0 {__name__="x"} 1`, `0#1 {__name__="y"} 4`, `1000#2 {__name__="x"} 5`,
		`2000#0 {__name__="x"} 2`, `2000#2 {__name__="x"} 6`, `4000#0 {__name__="x"} 3`,
	}
	if diff := cmp.Diff(want, drain(t, MergeFeeds(a, b))); diff != "" {
		t.Errorf("by time, then feed, each with its own index (-want +got):\n%s", diff)
	}
}

func TestMergeFeedsRejectsDisorder(t *testing.T) {
	f := &listFeed{labels: feedOf(t, 0, time.Second, InputSpec{Series: "x", Values: "1"}).(*inputFeed).labels, samples: []Sample{{T: 2000}, {T: 1000}}}
	_, err := MergeFeeds(f).Next()
	if err == nil || !strings.Contains(err.Error(), "not in the order of time") {
		t.Errorf("got %v", err)
	}
}
