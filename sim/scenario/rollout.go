package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// A Rollout replaces all replicas with those of a new version: Batch at a time, or as
// a Deployment's rolling update does, where MaxSurge or MaxUnavailable is given.
type Rollout struct {
	At Duration `json:"at"`
	// Batch is how many are replaced at once: they go, and the next ones go once the
	// new ones are ready; 1 if absent.
	Batch int32 `json:"batch,omitempty"`
	// MaxSurge is how many replicas there may be besides spec.replicas: a number, or a
	// percentage of it, rounded up; 25% if absent.
	MaxSurge *Share `json:"maxSurge,omitempty"`
	// MaxUnavailable is how many of spec.replicas need not be ready: a number, or a
	// percentage of it, rounded down; 25% if absent.
	MaxUnavailable *Share `json:"maxUnavailable,omitempty"`
}

// Rolls says whether replicas are replaced as a Deployment's rolling update does.
func (r *Rollout) Rolls() bool { return r.MaxSurge != nil || r.MaxUnavailable != nil }

// A Share is a number of replicas, or a percentage of spec.replicas.
type Share struct {
	Number  int32
	Percent bool
}

// UnmarshalJSON reads 2 or "25%".
func (s *Share) UnmarshalJSON(data []byte) error {
	text, percent := strings.CutSuffix(strings.Trim(string(data), `"`), "%")
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number < 0 || percent != (data[0] == '"') {
		return fmt.Errorf("want a number of replicas such as 2, or a percentage such as 25%%, got %s", data)
	}
	*s = Share{int32(number), percent}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (s Share) MarshalJSON() ([]byte, error) {
	if s.Percent {
		return fmt.Appendf(nil, `"%d%%"`, s.Number), nil
	}
	return strconv.AppendInt(nil, int64(s.Number), 10), nil
}

func (r *Rollout) fillDefaults() {
	switch {
	case !r.Rolls():
		r.Batch = max(r.Batch, 1)
	case r.MaxSurge == nil:
		r.MaxSurge = &Share{25, true}
	case r.MaxUnavailable == nil:
		r.MaxUnavailable = &Share{25, true}
	}
}

// checkRollouts checks how the replicas of an object are replaced.
func (v *validation) checkRollouts(of, kind string, rollouts []Rollout) {
	for i := range rollouts {
		r, at := &rollouts[i], index(of+".rollouts", i)
		v.checkInstant(at+".at", r.At)
		switch {
		case r.Batch < 0, r.Batch == 0 && v.doc.Has(at+".batch"):
			v.fail(at+".batch", "want 1 or more, got %d", r.Batch)
		case r.Batch > 0 && r.Rolls():
			v.fail(at+".batch", "maxSurge and maxUnavailable say how many are replaced at once; remove batch or these")
		}
		if !r.Rolls() {
			continue
		}
		if kind == "StatefulSet" {
			v.fail(at, "a StatefulSet replaces its pods in place; want batch instead of maxSurge and maxUnavailable")
		}
		filled := *r
		filled.fillDefaults()
		if filled.MaxUnavailable.Percent && filled.MaxUnavailable.Number > 100 {
			v.fail(at+".maxUnavailable", "want at most 100%%, got %d%%", filled.MaxUnavailable.Number)
		}
		if filled.MaxSurge.Number == 0 && filled.MaxUnavailable.Number == 0 {
			v.fail(at, "maxSurge and maxUnavailable are both 0, so that no replica could be replaced; want more of one of them")
		}
	}
}
