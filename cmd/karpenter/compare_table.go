package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/explain"
)

// worstCompared is how many of several autoscalers are told in full.
const worstCompared = 3

// result returns what is said of a candidate in a word, and its place among others.
func (c *comparison) result() (word string, rank int) {
	switch {
	case c.Unjudged != "", c.Alone != nil && c.Alone.Unjudged != "":
		return "unjudged", 1
	case c.Alone == nil:
		return "acts", 3
	case c.Alone.breaches():
		return "breaches", 0
	}
	return "holds", 2
}

// more is by how much longer the candidate alone breaches than what ran.
func (c *comparison) more() float64 {
	if c.Alone == nil || c.Alone.AloneFigures == nil {
		return 0
	}
	return c.Alone.BreachMinutes - c.Alone.RanBreachMinutes
}

// comparisonTable writes a line for each autoscaler, the worst first, and returns the
// worst of those that breach, or the first candidate where none does.
func comparisonTable(b *strings.Builder, all []*comparison) (worst []*comparison) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(x, y *comparison) int {
		_, i := x.result()
		_, j := y.result()
		return cmp.Or(cmp.Compare(i, j), cmp.Compare(y.more(), x.more()), cmp.Compare(x.Object, y.Object))
	})
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OBJECT\tRESULT\tBREACH MIN ALONE\tRAN\tREPLICA-HOURS ALONE\tRAN\tAGREEMENT %\tNOTE")
	for _, c := range sorted {
		word, rank := c.result()
		figures, note := []string{"–", "–", "–", "–"}, c.Unjudged
		if c.Alone != nil {
			if note = c.Alone.Unjudged; note == "" {
				figures = nil
				for _, v := range []float64{c.Alone.BreachMinutes, c.Alone.RanBreachMinutes, c.Alone.ReplicaHours, c.Alone.RanReplicaHours} {
					figures = append(figures, explain.Figure(math.Round(v*10)/10))
				}
			}
		}
		agreement := "–"
		if c.Unjudged == "" {
			agreement = fmt.Sprintf("%.1f", math.Floor(c.Agreement*10)/10)
		}
		if rank == 0 && len(worst) < worstCompared {
			worst = append(worst, c)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", escape.Inline(c.Object), word, strings.Join(figures, "\t"), agreement, escape.Inline(note))
	}
	_ = w.Flush() // into memory
	if first := sorted[0]; len(worst) == 0 && first.Alone != nil {
		worst = append(worst, first)
	}
	return worst
}
