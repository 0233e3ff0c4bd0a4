// Package result is what came of a run, as data: numbers and codes, not pixels.
// Package sim makes it and package reports reads it.
package result

import (
	"fmt"
	"math"
)

// A Yardstick holds what the needed replicas of an object were measured by: the
// value of Expr over PerReplica.
type Yardstick struct {
	Expr       string  `json:"expr"`
	PerReplica float64 `json:"perReplica"`
	Kind       Kind    `json:"kind"`
	// Lag is how far before its instant lies the demand that Expr shows, as a
	// duration; empty where it is of the instant.
	Lag string `json:"lag,omitempty"`
}

// A Kind says what it means to have fewer replicas than needed.
type Kind string

// The kinds.
const (
	// Capacity: fewer replicas cannot serve the demand.
	Capacity Kind = "capacity"
	// Target: fewer replicas serve it above their target.
	Target Kind = "target"
)

// A Response is how a metric was seen to answer to the demand of a run: its value
// is Factor x demand in replicas where it is a total, else Factor x demand / ready
// replicas.
type Response struct {
	Query string `json:"query"`
	Total bool   `json:"total,omitempty"`
	// Factor is the median while the demand was steady, Spread half the distance
	// of the quartiles as a share of it.
	Factor float64 `json:"factor"`
	Spread float64 `json:"spread,omitempty"`
}

// A Doubt is why the value of a metric with other replicas than those recorded is
// not known, so that nothing can be ranked by it.
type Doubt struct {
	Code DoubtCode `json:"code"`
	// Metric is the query.
	Metric string `json:"metric"`
	// Changes counts the changes of the ready count by 10 % or more that could be looked at.
	Changes int `json:"changes"`
	// Excess is the share by which the rule misses what was recorded.
	Excess float64 `json:"excess,omitempty"`
}

// A DoubtCode says what is not known.
type DoubtCode string

// The codes.
const (
	// FewChanges: the recorded count changes too seldom to tell.
	FewChanges DoubtCode = "FewChanges"
	// NotInverse: at changes of the count the value does not move against it.
	NotInverse DoubtCode = "NotInverse"
	// Independent: the value rather does not depend on the count at all.
	Independent DoubtCode = "Independent"
	// NotDriven: the value does not follow the demand that is named for it.
	NotDriven DoubtCode = "NotDriven"
)

// String says it in words.
func (d Doubt) String() string {
	why := ""
	switch d.Code {
	case FewChanges:
		why = fmt.Sprintf("the recorded count changes by 10 %% or more %d times that could be looked at, and 5 are the least to tell by", d.Changes)
	case NotInverse:
		why = fmt.Sprintf("where the recorded count changes, value x replicas moves by %.0f %% more than elsewhere, and 5 %% are the most for a value that falls as replicas rise", math.Ceil(100*d.Excess))
	case Independent:
		why = "in the recording it rather does not depend on the count"
	case NotDriven:
		why = "in the recording it does not follow the demand that is named"
	}
	return fmt.Sprintf("what %s would be with other replicas than those recorded is not known: %s", d.Metric, why)
}
