package reports

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// brief is the agreement in half a line.
func agreementBrief(a *result.Agreement) string {
	return fmt.Sprintf("%s %% of %s slots", percentDown(a.Percent), group(a.Slots))
}

// phrase is the whole agreement.
func agreementPhrase(a *result.Agreement) string {
	text := agreementBrief(a)
	switch {
	case a.Changes > 0:
		text += fmt.Sprintf(", %s of %s recorded changes matched, %s invented", group(a.Matched), group(a.Changes), group(a.Invented))
	case a.Invented > 0:
		text += fmt.Sprintf(", no change recorded, %s invented", group(a.Invented))
	default:
		text += ", no change in either"
	}
	return text + fmt.Sprintf(", mean error %s %s", number(a.MeanError), plural(wholeReplicas(a.MeanError), "replica"))
}

// wholeReplicas is 1 for exactly one, for the plural of a fraction.
func wholeReplicas(v float64) int64 {
	if v == 1 {
		return 1
	}
	return 0
}

// fidelity is the run's in a line.
func (r *Report) fidelity() string {
	return "Fidelity " + agreementBrief(&r.Run.Fidelity.Agreement) + r.ofWhole()
}

// fidelityDetail is everything that is known of the run's fidelity, and what to
// do about it, a sentence each.
func (r *Report) fidelityDetail() []string {
	f := r.Run.Fidelity
	if f == nil {
		return nil
	}
	list := []string{"Fidelity: " + agreementPhrase(&f.Agreement) + r.ofWhole() + "."}
	if s := f.StatusMultiplies; s != nil {
		list = append(list, fmt.Sprintf("It is that of a controller that multiplies by status.replicas, starting ones included, as the recorded one did; by ready replicas, as in all figures above, %s %% of the slots agree.", percentDown(s.ReadyPercent)))
	}
	for i := range f.Objects {
		if other := f.Objects[i].OtherAutoscaler; other != "" {
			list = append(list, fmt.Sprintf("%s scaled %s when this was recorded, at slots of its own: a decision may be one interval earlier or later.", upperFirst(other), f.Objects[i].Object))
			break
		}
	}
	if r.Run.Trusted() && f.StartUp == nil && f.ScrapeInterval == nil {
		return list
	}
	if bad := f.Unfaithful(); bad != nil {
		list = append(list, fmt.Sprintf("The replay of %s is not what ran: %s.", bad.Object, bad.Unfaithful))
	}
	if s := f.StartUp; s != nil {
		list = append(list, fmt.Sprintf("Of the start-ups tried, --ready-after %s fits best: %s %% of the slots.", s.Delay, percentDown(s.Percent)))
	}
	if s := f.ScrapeInterval; s != nil {
		list = append(list, fmt.Sprintf("Of the controllers tried, one with --scrape-interval %s fits best: %s %% of the slots.", s.Interval, percentDown(s.Percent)))
	}
	if !r.Run.Trusted() {
		list = append(list, "Check that this policy is the one that ran, with --target the count at the start, and with --replicas the series of the counts; if metrics answer to replicas in another way than recorded value x recorded / simulated replicas, give the demand with --demand and --capacity.")
	}
	return list
}
