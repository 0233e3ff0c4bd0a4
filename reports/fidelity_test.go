package reports

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// TestFidelityDetail holds what is said about a replay that is what ran, and what
// to do about one that is not, on standard output, in Markdown and on the page.
func TestFidelityDetail(t *testing.T) {
	good := result.Agreement{Percent: 99.96, Slots: 1200, Changes: 20, Matched: 19, Invented: 2, MeanError: 0.04, MeanRecorded: 7}
	cases := map[string]struct {
		reason string
		f      Fidelity
		want   string
	}{
		"Good": {"a good one is a line", Fidelity{Agreement: good, Objects: []result.ObjectFidelity{{Object: "web", Agreement: good}}},
			"Fidelity: 99.9 % of 1,200 slots, 19 of 20 recorded changes matched, 2 invented, mean error 0.04 replicas."},
		"Still": {"where nothing changed, that is said", Fidelity{Agreement: result.Agreement{Percent: 100, Slots: 9, MeanError: 1}},
			"Fidelity: 100 % of 9 slots, no change in either, mean error 1 replica."},
		"Other": {"a shift is named", Fidelity{Agreement: good, Objects: []result.ObjectFidelity{{Object: "web", Agreement: good, OtherAutoscaler: "a HorizontalPodAutoscaler"}}},
			"mean error 0.04 replicas. A HorizontalPodAutoscaler scaled web when this was recorded, at slots of its own: a decision may be one interval earlier or later."},
		"StartUp": {"a better start-up is proposed", Fidelity{Agreement: good, StartUp: &result.StartUpFit{Delay: "45s", Percent: 99.98}},
			"mean error 0.04 replicas. Of the start-ups tried, --ready-after 45s fits best: 99.9 % of the slots."},
		"ScrapeInterval": {"so is a better controller", Fidelity{Agreement: good, ScrapeInterval: &result.ScrapeIntervalFit{Interval: "15s", Percent: 99.98}},
			"mean error 0.04 replicas. Of the controllers tried, one with --scrape-interval 15s fits best: 99.9 % of the slots."},
		"StatusMultiplies": {"another controller ran in the same world", Fidelity{Agreement: good, StatusMultiplies: &result.StatusMultiplied{ReadyPercent: 97.65}},
			"mean error 0.04 replicas. It is that of a controller that multiplies by status.replicas, starting ones included, as the recorded one did; by ready replicas, as in all figures above, 97.6 % of the slots agree."},
		"Bad": {"what to do follows", Fidelity{Agreement: good, Objects: []result.ObjectFidelity{{Object: "web", Unfaithful: "it makes 3 of the 5 recorded changes, fewer than 80 %"}}},
			"The replay of web is not what ran: it makes 3 of the 5 recorded changes, fewer than 80 %. Check that this policy is the one that ran, with --target the count at the start, and with --replicas the series of the counts;"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := evening(t)
			run.Fidelity = &c.f
			r := computed(t, run)
			page, err := r.HTML()
			if err != nil {
				t.Fatal(err)
			}
			var table strings.Builder
			if err := Table(&table, []*Report{r}, TableOptions{}); err != nil {
				t.Fatal(err)
			}
			for where, text := range map[string]string{"table": table.String(), "page": string(page), "summary.md": r.Markdown()} {
				if !strings.Contains(text, c.want) {
					t.Errorf("%s: %s has not %q:\n%.1500s", c.reason, where, c.want, text)
				}
			}
		})
	}
}
