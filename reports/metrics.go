package reports

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// A Metric is one figure of a report.
type Metric struct {
	// Name is what `report:` expectations use; Unit is of its value.
	Name, Unit, Definition string
	// of is the value; NaN where it is not known.
	of func(*score) float64
}

// Metrics lists every figure, in the order shown. Times are simulated. For
// several objects sums are added, the largest is that of any object, and
// shares are taken of all objects' time.
func Metrics() []Metric { return metrics }

// BlameMetric is the figure that takes a cause label: blame_minutes{cause="bound"}.
const BlameMetric = "blame_minutes"

var metrics = []Metric{
	{"breach_minutes", "minutes", "Time with fewer ready replicas than needed (rounded up).", scored(func(s *score) float64 { return minutes(s.lacking) })},
	{"longest_breach_minutes", "minutes", "Time lacking capacity in the longest episode; stretches less than 1 min apart are one episode.", scored(func(s *score) float64 { return minutes(s.longest) })},
	{"breach_episodes", "count", "Episodes that lacked capacity.", scored(func(s *score) float64 { return float64(s.episodes) })},
	{"replica_hours", "replica-hours", "Integral of the replicas asked for (spec.replicas), starting ones included.", func(s *score) float64 { return known(s.askedKnown, s.asked/3600) }},
	{"ready_hours", "replica-hours", "Integral of the replicas that serve.", func(s *score) float64 { return known(s.readyKnown, s.ready/3600) }},
	{"cost", "currency", "replica_hours x the price of a replica-hour; only where a price is given.", func(s *score) float64 { return known(s.priced, s.cost) }},
	{"reversals", "count", "Changes of the desired count against the direction of the change before, at most 15 min after it.", changed(func(s *score) float64 { return float64(s.reversals) })},
	{"scale_ups", "count", "Changes of the desired count upwards.", changed(func(s *score) float64 { return float64(s.ups) })},
	{"scale_downs", "count", "Changes of the desired count downwards.", changed(func(s *score) float64 { return float64(s.downs) })},
	{"largest_replicas", "replicas", "Largest number of replicas asked for.", func(s *score) float64 { return s.largest }},
	{"smallest_replicas", "replicas", "Smallest number of replicas asked for.", func(s *score) float64 { return s.smallest }},
	{"under_provisioned_percent", "percent", "Missing replicas as a share of those needed (at least 1), averaged over scored time (theta U).", scored(func(s *score) float64 { return 100 * s.underShare / float64(s.scored) })},
	{"over_provisioned_percent", "percent", "Spare ready replicas as a share of those needed (at least 1), averaged over scored time (theta O).", scored(func(s *score) float64 { return 100 * s.overShare / float64(s.scored) })},
	{"under_provisioned_time_percent", "percent", "Share of scored time with fewer ready replicas than needed (tau U).", scored(func(s *score) float64 { return 100 * float64(s.lacking) / float64(s.scored) })},
	{"over_provisioned_time_percent", "percent", "Share of scored time with more ready replicas than needed (tau O).", scored(func(s *score) float64 { return 100 * float64(s.spare) / float64(s.scored) })},
	{"under_replica_hours", "replica-hours", "Integral of the missing replicas.", scored(func(s *score) float64 { return s.under / 3600 })},
	{"over_replica_hours", "replica-hours", "Integral of the spare ready replicas.", scored(func(s *score) float64 { return s.over / 3600 })},
	{"mean_slack_percent", "percent", "Spare replicas as a share of the ready ones, averaged over scored time.", scored(meanSlack)},
	{"p95_slack_percent", "percent", "The share of spare replicas that was not exceeded in 95 % of scored time.", scored(p95Slack)},
	{"held_minutes", "minutes", "Time under decisions that had no metric, no target or no valid policy to go by.", func(s *score) float64 { return known(s.decisionsKnown, minutes(s.held)) }},
	{"scored_minutes", "minutes", "Time in which both needed and ready replicas are known; the other figures of demand cover this time.", func(s *score) float64 { return minutes(s.scored) }},
}

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
	b.WriteString("| name | unit | definition |\n|---|---|---|\n")
	for i := range metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", metrics[i].Name, metrics[i].Unit, metrics[i].Definition)
	}
	fmt.Fprintf(&b, "| `%s{cause=\"...\"}` | minutes | Share of breach_minutes with one cause: %s; without the label, their sum. |\n",
		BlameMetric, strings.Join(causeNames(), ", "))
	return b.String()
}

func causeNames() []string {
	var names []string
	for _, c := range Causes() {
		names = append(names, string(c))
	}
	return names
}
