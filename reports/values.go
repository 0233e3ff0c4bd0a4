package reports

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

func scored(of func(*score) float64) func(*score) float64 {
	return func(s *score) float64 {
		if s.scored == 0 {
			return math.NaN()
		}
		return of(s)
	}
}

func changed(of func(*score) float64) func(*score) float64 {
	return func(s *score) float64 {
		if !s.changesKnown {
			return math.NaN()
		}
		return of(s)
	}
}

func known(yes bool, v float64) float64 {
	if !yes {
		return math.NaN()
	}
	return v
}

// ratio is NaN where the whole is nothing.
func ratio(part, whole float64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return part / whole
}

func minutes(seconds int64) float64 { return float64(seconds) / 60 }

func meanSlack(s *score) float64 {
	var sum float64
	for _, share := range shares(s) {
		sum += float64(share * float64(s.slack[share]))
	}
	return 100 * sum / float64(s.scored)
}

func p95Slack(s *score) float64 {
	var seconds int64
	for _, share := range shares(s) {
		if seconds += s.slack[share]; seconds*100 >= s.scored*95 {
			return 100 * share
		}
	}
	return math.NaN()
}

func shares(s *score) []float64 {
	list := make([]float64, 0, len(s.slack))
	for share := range s.slack {
		list = append(list, share)
	}
	sort.Float64s(list)
	return list
}

// Figures are the values of the metrics by name; unknown ones are absent.
type Figures map[string]float64

// Get is the value of a metric, NaN where it is not known.
func (f Figures) Get(name string) float64 {
	if v, ok := f[name]; ok {
		return v
	}
	return math.NaN()
}

func (s *score) figures() Figures {
	f := Figures{}
	for i := range metrics {
		if v := metrics[i].of(s); !math.IsNaN(v) {
			f[metrics[i].Name] = v
		}
	}
	return f
}

// MetricsTable is the table of metrics for the documentation, in Markdown.
func MetricsTable() string {
	var b strings.Builder
	b.WriteString("| name | unit | definition | source |\n|---|---|---|---|\n")
	for i := range metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", metrics[i].Name, metrics[i].Unit, metrics[i].Definition, metrics[i].Source)
	}
	fmt.Fprintf(&b, "| `%s{cause=\"...\"}` | minutes | Share of breach_minutes with one cause: %s; without the label, their sum. | %s |\n",
		CauseMetric, strings.Join(causeNames(), ", "), own)
	return b.String()
}

func causeNames() []string {
	var names []string
	for _, c := range Causes() {
		names = append(names, string(c))
	}
	return names
}
