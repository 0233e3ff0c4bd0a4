package result

// Fidelity says how the current policy, replayed, compares with the counts that
// were recorded: over all objects together, and each.
type Fidelity struct {
	Agreement
	Objects []ObjectFidelity `json:"objects,omitempty"`
	// StatusMultiplies is set where the counts were recorded under a controller that
	// multiplied status.replicas, starting replicas included: all else here says how the
	// replay of that one compares.
	StatusMultiplies *StatusMultiplied `json:"statusMultiplies,omitempty"`
	// StartUp is the start-up delay under which the replay agrees best, where
	// another one than the run's does.
	StartUp *StartUpFit `json:"startUp,omitempty"`
	// ScrapeInterval is the --scrape-interval of the controller under which it agrees
	// best, where that is better than any start-up.
	ScrapeInterval *ScrapeIntervalFit `json:"scrapeInterval,omitempty"`
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
	// OtherAutoscaler is the kind of autoscaler that scaled the target when it was recorded; a decision
	// may then be one slot earlier or later. Empty where none is known.
	OtherAutoscaler string `json:"otherAutoscaler,omitempty"`
	// Unfaithful says why nothing can be ranked by the replay, as "it ..."; empty
	// where variants may be.
	Unfaithful string `json:"unfaithful,omitempty"`
}

// A StatusMultiplied has the percentage of slots that agree where ready replicas
// multiply, as they do in all columns of the run.
type StatusMultiplied struct {
	ReadyPercent float64 `json:"readyPercent"`
}

// A StartUpFit is a start-up delay, as its flag takes it, and the percentage of
// slots that agree under it.
type StartUpFit struct {
	Delay   string  `json:"delay"`
	Percent float64 `json:"percent"`
}

// A ScrapeIntervalFit is a --scrape-interval of the controller, and the percentage of
// slots that agree under it.
type ScrapeIntervalFit struct {
	Interval string  `json:"interval"`
	Percent  float64 `json:"percent"`
}

// Unfaithful returns the first object by which nothing can be ranked, nil where
// there is none.
func (f *Fidelity) Unfaithful() *ObjectFidelity {
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
