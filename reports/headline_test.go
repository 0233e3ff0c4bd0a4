package reports

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// friday is Friday 9 January 2026, 18:00 UTC.
var friday = time.Date(2026, 1, 9, 18, 0, 0, 0, time.UTC).Unix()

// shift moves a run made from minute 0 to start.
func shift(run *Run, start int64) *Run {
	run.Start, run.End = run.Start+start, run.End+start
	for i := range run.Columns {
		c := &run.Columns[i]
		for j := range c.Objects {
			for _, s := range []*Steps{&c.Objects[j].Needed, &c.Objects[j].Ready, &c.Objects[j].Spec} {
				for k := range s.T {
					s.T[k] += start
				}
			}
		}
		if lines := c.Journal; lines != nil {
			c.Journal = func(yield func(*journal.Line) error) error {
				return lines(func(l *journal.Line) error {
					if l.Record != nil {
						l.Record.Slot += slot.Slot(start)
					}
					return yield(l)
				})
			}
		}
	}
	return run
}

// stages yields records of recommended, limited and desired counts at minutes.
func stages(rows ...[4]float64) func(func(*journal.Line) error) error {
	return func(yield func(*journal.Line) error) error {
		for _, row := range rows {
			r := &journal.Record{Object: checkout, Slot: slot.Slot(row[0] * 60), Known: true, Recommending: true, Scale: autoscaler.Scale{Spec: int32(row[3])},
				Recommended: int32(row[1]), Stabilized: int32(row[1]), Limited: int32(row[2]), Desired: int32(row[3])}
			if err := yield(&journal.Line{Record: r}); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestHeadline(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones:", err)
	}
	// Needed 25 from 18:04 to 18:18: 2 min by the rate, 3 by start-up, 9 by the bound.
	issue := func(length int64) *Run {
		return shift(oneColumn(length, steps(0, 10, 4, 25, 18, 10), steps(0, 10, 9, 20), steps(0, 10, 6, 25, 9, 20),
			stages([4]float64{0, 10, 10, 10}, [4]float64{4, 25, 14, 14}, [4]float64{6, 25, 25, 20})), friday)
	}
	cases := map[string]struct {
		reason string
		run    func() *Run
		want   string
	}{
		"Issue": {
			"the sentence the issue asks for",
			func() *Run { return issue(60) },
			"Friday 18:04–18:18 checkout lacked capacity for 14 min; 9 min caused by maxReplicas 20, 3 by start-up, 2 by the rate policy.",
		},
		"AlmostAll": {
			"what is too short to be counted is not left out of the whole",
			func() *Run {
				run := issue(60)
				run.Columns[0].Objects[0].Needed = Steps{T: []int64{friday, friday + 538, friday + 18*60}, V: []float64{10, 25, 10}}
				return run
			},
			"Friday 18:08:58–18:18:00 checkout lacked capacity for 9 min, almost all of it caused by maxReplicas 20.",
		},
		"TwoTargets": {
			"one other target is not counted",
			func() *Run {
				run := shift(oneColumn(60, steps(0, 10), steps(0, 10), steps(0, 10), nil), friday)
				second := run.Columns[0].Objects[0]
				second.Journal.Name, second.Target.Name = "search", "search"
				run.Columns[0].Objects = append(run.Columns[0].Objects, second)
				return run
			},
			"checkout, like the other target, never lacked capacity in 1 hour; it ran 10 replicas throughout, 10 replica-hours in all, without a reversal.",
		},
		"TwoWeeks": {
			"in two weeks a weekday does not tell the day",
			func() *Run { return issue(14 * 24 * 60) },
			"Friday 9 January 18:04–18:18 checkout lacked capacity for 14 min; 9 min caused by maxReplicas 20, 3 by start-up, 2 by the rate policy.",
		},
		"Zone": {
			"times are shown in the run's zone",
			func() *Run { r := issue(60); r.Location = berlin; return r },
			"Friday 19:04–19:18 checkout lacked capacity for 14 min; 9 min caused by maxReplicas 20, 3 by start-up, 2 by the rate policy.",
		},
		"OneCause": {
			"one cause needs no count",
			func() *Run {
				return shift(oneColumn(60, steps(0, 2, 10, 5), steps(0, 2, 13, 5), steps(0, 2, 10, 5), decided(0, 2, 10, 5)), friday)
			},
			"Friday 18:10–18:13 checkout lacked capacity for 3 min, all of it caused by start-up.",
		},
		"Seconds": {
			"less than two minutes are told in seconds",
			func() *Run {
				return shift(oneColumn(60, steps(0, 2, 10, 5), steps(0, 2, 10.5, 5), steps(0, 2, 10, 5), decided(0, 2, 10, 5)), friday)
			},
			"Friday 18:10:00–18:10:30 checkout lacked capacity for 30 s, all of it caused by start-up.",
		},
		"Several": {
			"several episodes: all of them, and the worst",
			func() *Run {
				return shift(oneColumn(60, steps(0, 2, 10, 5, 13, 2, 20, 6, 25, 2), steps(0, 2), steps(0, 6), decided(0, 6)), friday)
			},
			"checkout lacked capacity for 8 min in 2 episodes, worst Friday 18:20–18:25, all of it caused by start-up.",
		},
		"Recorded": {
			"what only was recorded has no causes",
			func() *Run {
				r := shift(oneColumn(60, steps(0, 5, 10, 2), steps(0, 2), steps(0, 2), nil), friday)
				r.Columns[0].Name = Recorded
				return r
			},
			"Friday 18:00–18:10 checkout lacked capacity for 10 min.",
		},
		"Good": {
			"the good case says so, and what it took",
			func() *Run {
				return shift(oneColumn(14*24*60, steps(0, 2), steps(0, 2, 60, 4, 120, 2), steps(0, 2, 60, 4, 120, 2), decided(0, 2, 60, 4, 120, 2)), friday)
			},
			"checkout never lacked capacity in 14 days; it ran 2 to 4 replicas, 674 replica-hours in all, without a reversal.",
		},
		"NothingKnown": {
			"without demand there is no answer",
			func() *Run { return shift(oneColumn(60, Steps{}, steps(0, 2), steps(0, 1), decided(0, 2)), friday) },
			"checkout ran 1 replica throughout for 1 hour; what was needed is not known, so whether it lacked capacity is not either.",
		},
		"NoObject": {
			"a run may have nothing to judge",
			func() *Run { r := issue(60); r.Columns[0].Objects = nil; return r },
			"r ran for 1 hour; it has no autoscaler to judge.",
		},
		"Others": {
			"the worst target stands for the others",
			func() *Run {
				r := oneColumn(60, steps(0, 2, 10, 5, 20, 2), steps(0, 2), steps(0, 2), nil)
				other := Object{Journal: checkout, Target: cycle.TargetRef{Name: "cart"}, Needed: steps(0, 2, 10, 5, 40, 2), Ready: steps(0, 2)}
				other.Journal.Name = "cart"
				r.Columns[0].Objects = append(r.Columns[0].Objects, other)
				return shift(r, friday)
			},
			"Friday 18:10–18:40 cart lacked capacity for 30 min; 1 more target lacked capacity too.",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := Compute(c.run())
			if err != nil {
				t.Fatal(err)
			}
			if r.Headline != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.reason, r.Headline, c.want)
			}
		})
	}
}

func TestTrade(t *testing.T) {
	// Each column lacks capacity until its replicas are ready, and asks for a
	// number all the time.
	column := func(name string, lack, replicas float64) Column {
		c := oneColumn(60, steps(0, 5), steps(0, 0, lack, 5), steps(0, replicas), nil).Columns[0]
		c.Name = name
		return c
	}
	priced := func(c Column, price float64) Column {
		c.Objects = slices.Clone(c.Objects)
		c.Objects[0].Price = price
		return c
	}
	current := column(Current, 10, 6)
	oracle := column("oracle", 0, 5)
	oracle.Reference = true
	cases := map[string]struct {
		reason   string
		variants []Column
		fidelity float64
		badge    result.Loop
		want     string
	}{
		"None":         {"nothing to say without variants", nil, 100, result.ClosedLoop, ""},
		"Reference":    {"an oracle is no variant", []Column{oracle, column(Recorded, 1, 1), column(Baseline, 1, 1)}, 100, result.ClosedLoop, ""},
		"Better":       {"less of both", []Column{column("x", 4, 5)}, 100, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less and takes 1 replica-hour less (-16.7 %): better in both.`},
		"Dearer":       {"less breach costs", []Column{column("x", 4, 9)}, 100, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less, and takes 3 replica-hours more (+50 %).`},
		"Cheaper":      {"same breach, fewer hours", []Column{column("x", 10, 3)}, 100, result.ClosedLoop, `Variant "x" lacks no more than current and saves 3 replica-hours (-50 %).`},
		"Same":         {"no difference", []Column{column("x", 10, 6)}, 100, result.ClosedLoop, `No variant improves on current: "x" lacks as much and takes as many replica-hours.`},
		"Worse":        {"worse in both", []Column{column("x", 12, 9)}, 100, result.ClosedLoop, `No variant improves on current: "x" lacks 0.2 replica-hours more and takes 3 replica-hours more (+50 %).`},
		"Riskier":      {"cheaper but lacks more", []Column{column("x", 12, 3)}, 100, result.ClosedLoop, `No variant lacks less: "x" saves 3 replica-hours (-50 %) and lacks 0.2 replica-hours more.`},
		"Several":      {"the one that lacks least", []Column{column("x", 8, 7), column("y", 4, 9)}, 100, result.ClosedLoop, `Of 2 variants "y" lacks least: it lacks 0.5 replica-hours less, and takes 3 replica-hours more (+50 %).`},
		"Free":         {"less breach for nothing", []Column{column("x", 4, 6)}, 100, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less, for the same replica-hours.`},
		"Saver":        {"where none lacks less, the one that saves most", []Column{column("x", 10, 7), column("y", 12, 3)}, 100, result.ClosedLoop, `No variant lacks less: "y" saves 3 replica-hours (-50 %) and lacks 0.2 replica-hours more.`},
		"Unfaithful":   {"by a replay that is not what ran nothing is ranked", []Column{column("x", 4, 5)}, 89.99, result.ClosedLoop, "Variants are not ranked: the current policy, replayed, is not what ran: it makes 3 of the 5 recorded changes, fewer than 80 %."},
		"Faithful":     {"how many slots agree does not matter then", []Column{column("x", 4, 9)}, 60, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less, and takes 3 replica-hours more (+50 %).`},
		"PricedBetter": {"where prices are given, cost is what counts", []Column{column("x", 4, 5)}, 100, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less and costs 2 less (-16.7 %): better in both.`},
		"PricedSaver":  {"a saving in cost", []Column{column("x", 12, 3)}, 100, result.ClosedLoop, `No variant lacks less: "x" costs 2.8 less (-23.3 %) and lacks 0.2 replica-hours more.`},
		"PricedSame":   {"no difference in cost", []Column{column("x", 10, 6)}, 100, result.ClosedLoop, `No variant improves on current: "x" lacks as much and costs as much.`},
		"PricedFree":   {"less breach for nothing", []Column{column("x", 4, 6)}, 100, result.ClosedLoop, `Variant "x" lacks 0.5 replica-hours less, at the same cost.`},
		"HalfPriced":   {"cost is not weighed against hours", []Column{priced(column("x", 10, 5), 2)}, 100, result.ClosedLoop, `Variant "x" lacks no more than current and saves 1 replica-hour (-16.7 %).`},
		"OpenLoop":     {"an open loop is no forecast", []Column{column("x", 4, 5)}, 100, result.OpenLoop, "Variants are not ranked: in an open loop the effect of the replicas on the metrics is missing."},
	}
	unpriced := current
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			current := unpriced
			if strings.HasPrefix(name, "Priced") {
				current = priced(unpriced, 2)
				for i := range c.variants {
					c.variants[i] = priced(c.variants[i], 2)
				}
			}
			fidelity := &Fidelity{Agreement: result.Agreement{Percent: c.fidelity, Slots: 360}}
			if name == "Unfaithful" {
				fidelity.Objects = []result.ObjectFidelity{{Object: "web", Unfaithful: "it makes 3 of the 5 recorded changes, fewer than 80 %"}}
			}
			r, err := Compute(&Run{Name: "r", End: 3600, Loop: c.badge, Fidelity: fidelity, Columns: append([]Column{current}, c.variants...)})
			if err != nil {
				t.Fatal(err)
			}
			if r.Trade != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.reason, r.Trade, c.want)
			}
			// The page marks the column that the sentence is about, or none.
			best := ""
			switch quoted := regexp.MustCompile(`"(\w+)"`).FindStringSubmatch(c.want); {
			case strings.HasPrefix(c.want, "No variant"):
				best = Current
			case quoted != nil:
				best = quoted[1]
			}
			html, err := r.HTML()
			if err != nil {
				t.Fatal(err)
			}
			marked := ""
			for _, row := range regexp.MustCompile(`<th scope="row">(\w+) <span class="best"`).FindAllStringSubmatch(string(html), -1) {
				marked += row[1]
			}
			if marked != best {
				t.Errorf("%s: the page marks %q as best, want %q", c.reason, marked, best)
			}
		})
	}
}
