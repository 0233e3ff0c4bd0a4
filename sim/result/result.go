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
