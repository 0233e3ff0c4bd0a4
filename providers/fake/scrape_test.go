package fake

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// values evaluates an expression and returns value by the label pod.
func valuesByPod(t testing.TB, p *Prometheus, expr string, at int64) map[string]float64 {
	t.Helper()
	value, err := p.Instant(expr, at)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, s := range value.(promql.Vector) {
		out[s.Metric.Get("pod")] = s.F
	}
	return out
}

// podScrape emits one series for each pod that the round has.
func podScrape(delay time.Duration, rounds ...string) Scrape {
	round := 0
	return Scrape{Interval: 10 * time.Second, Start: testStart, IngestDelay: delay, Collect: func(_ int64, emit func(labels.Labels, float64)) {
		if round < len(rounds) {
			for _, pod := range rounds[round] {
				emit(labels.FromStrings("__name__", "up", "pod", string(pod)), float64(round))
			}
		}
		round++
	}}
}

func TestScrape(t *testing.T) {
	cases := []struct {
		reason string
		rounds []string
		delay  time.Duration
		at     time.Duration
		want   map[string]float64
	}{
		{reason: "the first scrape is at the start", rounds: []string{"ab"}, at: 0, want: map[string]float64{"a": 0, "b": 0}},
		{reason: "a vanished series ends at the next scrape", rounds: []string{"ab", "b"}, at: 10 * time.Second, want: map[string]float64{"b": 1}},
		{reason: "until then it is there", rounds: []string{"ab", "b"}, at: 9 * time.Second, want: map[string]float64{"a": 0, "b": 0}},
		{reason: "the order may change", rounds: []string{"abc", "ca", "bca"}, at: 20 * time.Second, want: map[string]float64{"a": 2, "b": 2, "c": 2}},
		{reason: "a series may come back", rounds: []string{"a", "", "a"}, at: 20 * time.Second, want: map[string]float64{"a": 2}},
		{reason: "an empty scrape ends everything", rounds: []string{"ab", ""}, at: 10 * time.Second, want: map[string]float64{}},
		{reason: "a delayed sample is not visible yet", rounds: []string{"a", "a"}, delay: 3 * time.Second, at: 12 * time.Second, want: map[string]float64{"a": 0}},
		{reason: "it is when the delay is over", rounds: []string{"a", "a"}, delay: 3 * time.Second, at: 13 * time.Second, want: map[string]float64{"a": 1}},
		{reason: "stale markers are delayed as well", rounds: []string{"a", ""}, delay: 3 * time.Second, at: 12 * time.Second, want: map[string]float64{"a": 0}},
		{reason: "and then end the series", rounds: []string{"a", ""}, delay: 3 * time.Second, at: 13 * time.Second, want: map[string]float64{}},
	}
	for _, c := range cases {
		p := NewPrometheus(Options{Start: testStart})
		if err := p.AddScrape(podScrape(c.delay, c.rounds...)); err != nil {
			t.Fatal(err)
		}
		for now := p.NextEvent(); now <= at(c.at); now = p.NextEvent() {
			if err := advance(p, now); err != nil {
				t.Fatal(err)
			}
		}
		if err := advance(p, at(c.at)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, valuesByPod(t, p, "up", at(c.at))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}

func TestScrapeKeepsTimestampsWhenDelayed(t *testing.T) {
	p := NewPrometheus(Options{Start: testStart})
	if err := p.AddScrape(podScrape(3*time.Second, "a", "a")); err != nil {
		t.Fatal(err)
	}
	if err := advance(p, at(15*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"a": float64(at(10*time.Second)) / 1000}
	if got := valuesByPod(t, p, "timestamp(up)", p.Now()); !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScrapeErrors(t *testing.T) {
	cases := []struct {
		reason, want string
		scrape       Scrape
	}{
		{reason: "a series twice in a scrape", want: `has series {__name__="up", pod="a"} twice`, scrape: podScrape(0, "aa")},
		{reason: "no interval", want: "interval", scrape: Scrape{}},
		{reason: "negative delay", want: "delay", scrape: Scrape{Interval: time.Second, IngestDelay: -1}},
	}
	for _, c := range cases {
		p := NewPrometheus(Options{Start: testStart})
		err := p.AddScrape(c.scrape)
		if err == nil {
			err = advance(p, testStart)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.reason, err)
		}
	}
}

func TestAttach(t *testing.T) {
	cases := []struct {
		reason string
		second int64
		fails  string
	}{
		{reason: "two feeds share a series at different times", second: testStart + 500},
		{reason: "but not at one instant", second: testStart, fails: `series {__name__="x"}: sample at`},
	}
	for _, c := range cases {
		p := NewPrometheus(Options{})
		p.Attach(feedOf(t, testStart, time.Second, InputSpec{Series: "x", Values: "1x5"}))
		p.Attach(feedOf(t, c.second, time.Second, InputSpec{Series: "x", Values: "2x5"}))
		err := advance(p, at(4*time.Second))
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: got %v", c.reason, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := valuesByPod(t, p, "sum_over_time(x[5s])", p.Now())[""]; got != 1*5+2*4 {
			t.Errorf("%s: got %v", c.reason, got)
		}
	}
}

func TestAdvance(t *testing.T) {
	p := NewPrometheus(Options{})
	if got := p.NextEvent(); got != math.MaxInt64 {
		t.Errorf("without scrapes and rules nothing is ahead, got %d", got)
	}
	if err := p.Advance(testStart); err != nil {
		t.Fatal(err)
	}
	if err := p.Advance(testStart - 1); err == nil {
		t.Error("time went back without an error")
	}
	p.Attach(feedOf(t, testStart+1000, time.Second, InputSpec{Series: "x", Values: "1 2 3"}))
	if err := p.Advance(testStart + 2000); err != nil {
		t.Fatal(err)
	}
	if got := valuesByPod(t, p, "x", testStart+60_000)[""]; got != 2 {
		t.Errorf("a sample of the future is visible, or one of the present is not: %v", got)
	}
}

// advance moves time and scrapes, as a run does with decisions in between.
func advance(p *Prometheus, now int64) error {
	if err := p.Advance(now); err != nil {
		return err
	}
	if err := p.Scrape(now); err != nil {
		return err
	}
	return p.Advance(now) // after a jump, what was scraped on the way is due
}
