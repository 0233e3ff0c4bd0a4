package fleet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/reports"
)

// An Allowance is how much more than before is allowed: an amount, or a share of
// what was. The zero Allowance allows the noise.
type Allowance struct {
	text    string
	amount  float64
	percent float64
}

// DefaultCost is the share of the cost by which a change may exceed it.
var DefaultCost = Allowance{text: "10%", percent: 10}

// ParseBreach reads an allowance of breach: a duration such as 5m, or a percentage.
func ParseBreach(text string) (Allowance, error) {
	if a, ok := percentage(text); ok {
		return a, nil
	}
	d, err := model.ParseDuration(text)
	if err != nil && text != "0" {
		return Allowance{}, fmt.Errorf("%q: want a duration such as 5m, or a percentage such as 10%%", text)
	}
	return Allowance{text: text, amount: time.Duration(d).Minutes()}, nil
}

// ParseCost reads an allowance of cost: a percentage, or a number in the currency of
// the prices, or of replica-hours without any.
func ParseCost(text string) (Allowance, error) {
	if a, ok := percentage(text); ok {
		return a, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return Allowance{}, fmt.Errorf("%q: want a percentage such as 10%%, or a number of replica-hours (of the currency where prices are given)", text)
	}
	return Allowance{text: text, amount: v}, nil
}

func percentage(text string) (Allowance, bool) {
	number, ok := strings.CutSuffix(text, "%")
	if !ok {
		return Allowance{}, false
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	return Allowance{text: text, percent: v}, err == nil && v >= 0 && !math.IsInf(v, 0)
}

// limit is the most that is allowed where it was before.
func (a Allowance) limit(before float64) float64 {
	return before + a.amount + before*a.percent/100
}

// Guards decide whether a change passes.
type Guards struct{ Breach, Cost Allowance }

// A Guard is one limit on what comes after a change.
type Guard struct {
	// Metric is the figure that is limited.
	Metric string `json:"metric"`
	// Limit is the most that is allowed, Allowed the allowance in words.
	Limit   float64 `json:"limit"`
	Allowed string  `json:"allowed"`
	Before  float64 `json:"before"`
	After   float64 `json:"after"`
	Passed  bool    `json:"passed"`
}

// Judge holds the row of a change that can be judged to the guards. The noise is in
// minutes.
func (g Guards) Judge(row *Row, noise float64) {
	if row.Action != Changed || row.Result == Unjudged {
		return
	}
	breach := g.Breach
	if breach.text == "" {
		breach = Allowance{text: fmt.Sprintf("noise of %s min", reports.Number(noise)), amount: noise}
	}
	expense := "cost"
	if math.IsNaN(row.Before.Get(expense)) || math.IsNaN(row.After.Get(expense)) {
		expense = "replica_hours"
	}
	row.Guards = []Guard{row.guard("breach_minutes", breach), row.guard(expense, g.Cost)}
	row.Result = Passed
	for _, guard := range row.Guards {
		if !guard.Passed {
			row.Result = Failed
		}
	}
}

func (row *Row) guard(metric string, a Allowance) Guard {
	g := Guard{Metric: metric, Allowed: a.text, Before: row.Before.Get(metric), After: row.After.Get(metric)}
	g.Limit = a.limit(g.Before)
	g.Passed = g.After <= g.Limit*(1+1e-9)
	return g
}

// Noise is by how many minutes breaches of so many episodes may differ without a
// reason, for policies with a polling interval in seconds, given the breaches of the
// same policy at slots that fall elsewhere; the package comment has the rule.
func Noise(episodes float64, interval int32, breaches ...float64) float64 {
	noise := float64(interval) / 60 * math.Sqrt(max(episodes, 1))
	if len(breaches) > 1 {
		noise = max(noise, 2*(slices.Max(breaches)-slices.Min(breaches)))
	}
	return noise
}

// String says of a guard what was, what is and what would be allowed.
func (g *Guard) String() string {
	name, change := strings.ReplaceAll(g.Metric, "_", " "), ""
	if g.Before > 0 {
		change = fmt.Sprintf(" (%+.0f %%)", 100*(g.After-g.Before)/g.Before)
	}
	return fmt.Sprintf("%s %s -> %s%s, allowed are %s (%s more)", name, reports.Number(g.Before), reports.Number(g.After), change, reports.Number(g.Limit), g.Allowed)
}
