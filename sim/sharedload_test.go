package sim

import (
	"math"
	"slices"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// every2s is a grid of 40 s.
var every2s = grid{start: 0, end: 40_000, every: 2000}

// stepped is 4 until an instant in seconds, and then another count.
func stepped(at int64, then float64) func(t int64) float64 {
	return func(t int64) float64 {
		if t < at*1000 {
			return 4
		}
		return then
	}
}

func steady(v float64) func(int64) float64 { return func(int64) float64 { return v } }

// TestSharedLoadShows compares what a metric shows of a load that ready replicas share
// with what they did, second by second, by arithmetic.
func TestSharedLoadShows(t *testing.T) {
	cases := map[string]struct {
		reason      string
		divided     bool
		window      int64
		load, ready func(int64) float64
		at          int64 // seconds
		want        float64
	}{
		"Steady":    {"4 replicas share 2", true, 10, steady(2), steady(4), 30, 0.5},
		"Full":      {"no replica does more than all it can", true, 10, steady(9), steady(4), 30, 1},
		"Joined":    {"a fifth replica that has just become ready has done nothing: 4 x 10 s over 5", true, 10, steady(9), stepped(20, 5), 20, 0.8},
		"Halfway":   {"4 s later it has done 4 of 10 s: (4 x 6 + 5 x 4) / 10 / 5", true, 10, steady(9), stepped(20, 5), 24, 0.88},
		"Since":     {"a window later the dip is over", true, 10, steady(9), stepped(20, 5), 30, 1},
		"Gone":      {"what one did that is gone counts for those that are left", true, 10, steady(9), stepped(20, 2), 20, 2},
		"Room":      {"with room the fifth takes its share at once: 2 over 5", true, 10, steady(2), stepped(20, 5), 24, 0.4},
		"Each":      {"a mean of each replica's own does not dip", false, 10, steady(9), stepped(20, 5), 24, 1},
		"EachRoom":  {"and shows half of a change in the middle of its window", false, 8, steady(2), stepped(20, 8), 24, (0.5 + 0.25) / 2},
		"Instant":   {"a gauge without a window shows its instant", true, 0, steady(2), stepped(20, 5), 20, 0.4},
		"Beginning": {"before the grid nothing is known", true, 10, steady(2), steady(4), 2, 0.5},
	}
	for name, c := range cases {
		s := sharedLoad{window: c.window * 1000, divided: c.divided}
		if got := s.shown(c.load, c.ready, 1, every2s, c.at*1000); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %s: got %v, want %v", name, c.reason, got, c.want)
		}
	}
}

func TestSharedLoadHidesNothingUnknown(t *testing.T) {
	s := sharedLoad{window: 10_000, divided: true}
	if got := s.shown(steady(math.NaN()), steady(4), 1, every2s, 20_000); !math.IsNaN(got) {
		t.Errorf("a load that nobody knows shows %v, want NaN", got)
	}
	if got := s.shown(steady(2), steady(0), 1, every2s, 20_000); !math.IsNaN(got) && !math.IsInf(got, 0) {
		t.Errorf("no replica shows %v, want no number", got)
	}
	if got := s.most(steady(4), math.Inf(1), every2s, 20_000); !math.IsInf(got, 1) {
		t.Errorf("without a saturation a metric shows at most %v, want anything", got)
	}
	if got := s.most(stepped(20, 5), 1, every2s, 20_000); math.Abs(got-0.8) > 1e-9 {
		t.Errorf("four full replicas over five show at most %v, want 0.8", got)
	}
	plain := sharedLoad{window: 10_000}
	if got := plain.most(stepped(20, 5), 1, every2s, 20_000); got != 1 {
		t.Errorf("a mean of each replica's own is at most %v, want 1", got)
	}
}

// TestSharedLoadOfWindow undoes the dip, so that full replicas are seen to be full.
func TestSharedLoadOfWindow(t *testing.T) {
	ready := []float64{4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5}
	value := []float64{1, 1, 1, 1, 1, 0.8, 0.84, 0.88, 0.92, 0.96, 1}
	s := sharedLoad{window: 10_000, divided: true}
	for i, got := range s.ofWindow(value, ready, 2000) {
		if math.Abs(got-1) > 1e-9 {
			t.Errorf("sample %d, %v of %v ready: %v of the window's replicas, want 1", i, value[i], ready[i], got)
		}
	}
	s.divided = false
	if got := s.ofWindow(value, ready, 2000); !slices.Equal(got, value) {
		t.Errorf("a metric that does not dip was changed: %v", got)
	}
}

func TestDivisors(t *testing.T) {
	for text, want := range map[string][]string{
		"sum(rate(busy[1m])) / scalar(ready)":     {"scalar(ready)"},
		"sum(rate(busy[1m])) / 4 / scalar(ready)": {"scalar(ready)"},
		"(a / b) / c":           {"b", "c"},
		"a / b * (c / d)":       {"b", "d"},
		"sum(rate(busy[1m]))":   nil,
		"avg(rate(busy[1m])/r)": nil, // each has its own
		"a - b / c":             nil,
	} {
		expr, err := fake.EveryFeature.Parser().ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range divisors(expr) {
			got = append(got, d.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is divided by %q, want %q", text, got, want)
		}
	}
}

func TestProportional(t *testing.T) {
	counts := []float64{4, 4, 5, 5, 6, 6, 8, 8}
	scaled := func(by float64, lag int) []float64 {
		out := make([]float64, len(counts))
		for i := range counts {
			out[i] = by * counts[max(0, i-lag)]
		}
		return out
	}
	for name, c := range map[string]struct {
		values []float64
		want   bool
	}{
		"Same":      {scaled(1, 0), true},
		"Requests":  {scaled(0.5, 0), true}, // of cpu, by each
		"Late":      {scaled(1, 1), false},  // three of eight are of the count before
		"Other":     {[]float64{3, 4, 4, 5, 5, 7, 7, 9}, false},
		"Nothing":   {[]float64{0, 0, 0, 0, 0, 0, 0, 0}, false},
		"NeverSeen": {slices.Repeat([]float64{math.NaN()}, 8), false},
	} {
		if got := proportional(c.values, counts); got != c.want {
			t.Errorf("%s: %v is a multiple of %v: %v, want %v", name, c.values, counts, got, c.want)
		}
	}
}
