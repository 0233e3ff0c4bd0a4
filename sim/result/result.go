// Package result is what came of a run, as data: numbers and codes without words
// or pixels. Package sim makes it and package reports reads it.
package result

// A Yardstick is what the needed replicas of an object were measured by: the
// value of Expr over PerReplica.
type Yardstick struct {
	Expr       string  `json:"expr"`
	PerReplica float64 `json:"perReplica"`
	Kind       Kind    `json:"kind"`
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
