package reports

import "fmt"

// Fidelity says how the current policy, replayed, compares with the counts that
// were recorded: over all objects together, and each.
type Fidelity struct {
	Agreement
	Objects []ObjectFidelity `json:"objects,omitempty"`
	// StartUp is the start-up delay under which the replay agrees best, where
	// another one than the run's does.
	StartUp *StartUpFit `json:"startUp,omitempty"`
}

// An Agreement is that of a replay's counts with the recorded ones. Slots are
// those after which the recording shows the count before the next slot; Percent
// of them agree. Of the Changes recorded, Matched have their like in the replay;
// Invented ones of the replay have none in the recording.
type Agreement struct {
	Percent  float64 `json:"percent"`
	Slots    int64   `json:"slots"`
	Changes  int64   `json:"changes"`
	Matched  int64   `json:"matched"`
	Invented int64   `json:"invented"`
	// MeanError is the mean distance of the counts, MeanRecorded the mean
	// recorded count, both in replicas.
	MeanError    float64 `json:"meanError"`
	MeanRecorded float64 `json:"meanRecorded"`
}

// An ObjectFidelity is that of one autoscaler.
type ObjectFidelity struct {
	Object string `json:"object"`
	Agreement
	// ReplicaDependent says that a metric would be another with other replicas.
	ReplicaDependent bool `json:"replicaDependent"`
	// OtherAutoscaler is what scaled the target when it was recorded; a decision
	// may then be one slot earlier or later. Empty where none is known.
	OtherAutoscaler string `json:"otherAutoscaler,omitempty"`
	// Unfaithful says why nothing can be ranked by the replay, as "it ..."; empty
	// where variants may be.
	Unfaithful string `json:"unfaithful,omitempty"`
}

// A StartUpFit is a start-up delay, as its flag takes it, and the percentage of
// slots that agree under it.
type StartUpFit struct {
	Delay   string  `json:"delay"`
	Percent float64 `json:"percent"`
}

// unfaithful is the first object by which nothing can be ranked, nil where there
// is none.
func (f *Fidelity) unfaithful() *ObjectFidelity {
	if f == nil {
		return nil
	}
	for i := range f.Objects {
		if f.Objects[i].Unfaithful != "" {
			return &f.Objects[i]
		}
	}
	return nil
}

// trusted says whether variants may be ranked.
func (run *Run) trusted() bool { return run.Fidelity.unfaithful() == nil }

// brief is the agreement in half a line.
func (a *Agreement) brief() string {
	return fmt.Sprintf("%s %% of %s slots", percentDown(a.Percent), group(a.Slots))
}

// phrase is the whole agreement.
func (a *Agreement) phrase() string {
	text := a.brief()
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
	return "Fidelity " + r.Run.Fidelity.brief() + r.ofWhole()
}

// fidelityDetail is everything that is known of the run's fidelity, and what to
// do about it, a sentence each.
func (r *Report) fidelityDetail() []string {
	f := r.Run.Fidelity
	if f == nil {
		return nil
	}
	list := []string{"Fidelity: " + f.phrase() + r.ofWhole() + "."}
	for i := range f.Objects {
		if other := f.Objects[i].OtherAutoscaler; other != "" {
			list = append(list, fmt.Sprintf("%s scaled %s when this was recorded, at slots of its own: a decision may be one interval earlier or later.", upperFirst(other), f.Objects[i].Object))
			break
		}
	}
	if r.Run.trusted() && f.StartUp == nil {
		return list
	}
	if bad := f.unfaithful(); bad != nil {
		list = append(list, fmt.Sprintf("The replay of %s is not what ran: %s.", bad.Object, bad.Unfaithful))
	}
	if s := f.StartUp; s != nil {
		list = append(list, fmt.Sprintf("Of the start-ups tried, --ready-after %s fits best: %s %% of the slots.", s.Delay, percentDown(s.Percent)))
	}
	if !r.Run.trusted() {
		list = append(list, "Check that this policy is the one that ran, with --target the count at the start, and with --replicas the series of the counts; if metrics answer to replicas in another way than recorded value x recorded / simulated replicas, give the demand with --demand and --capacity.")
	}
	return list
}

// unranked says why variants are not ranked by this replay; empty where they are.
func (r *Report) unranked() string {
	bad := r.Run.Fidelity.unfaithful()
	if bad == nil {
		return ""
	}
	return fmt.Sprintf("Variants are not ranked: the current policy, replayed, is not what ran: %s%s.", bad.Unfaithful, r.ofWhole())
}
