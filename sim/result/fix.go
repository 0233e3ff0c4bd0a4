package result

// A Limit names what can keep a target from having the replicas that it needs.
type Limit string

// The limits, in the order in which equals are listed.
const (
	MaxReplicas     Limit = "maxReplicas"
	RatePolicies    Limit = "ratePolicies"
	ScaleUpWindow   Limit = "scaleUpWindow"
	ScaleDownWindow Limit = "scaleDownWindow"
	MetricTarget    Limit = "target"
	UpTolerance     Limit = "tolerance"
	Polling         Limit = "pollingInterval"
	Metrics         Limit = "metrics"
	StartUp         Limit = "startUp"
	Nodes           Limit = "nodes"
	FirstReplicas   Limit = "firstReplicas"
	DryRun          Limit = "dryRun"
	Rivals          Limit = "rivals"
	MissedSlots     Limit = "missedSlots"
	Refusals        Limit = "refusals"
	Disruption      Limit = "disruption"
)

// Limits returns all of them, in order.
func Limits() []Limit {
	return []Limit{
		MaxReplicas, RatePolicies, ScaleUpWindow, ScaleDownWindow, MetricTarget, UpTolerance, Polling, Metrics,
		StartUp, Nodes, FirstReplicas, DryRun, Rivals, MissedSlots, Refusals, Disruption,
	}
}

// A Fix is one limit of a run gone, and what that changes: the run was played
// again with it.
type Fix struct {
	Limit Limit `json:"limit"`
	// Value is the new value of the limit: a count of replicas, seconds, or the target
	// of a metric; 0 where it goes altogether.
	Value float64 `json:"value,omitempty"`
	// Set are the assignments that make it, as a variant takes them; empty where
	// no field of a policy does.
	Set []string `json:"set,omitempty"`
	// Alone is the shortage left with this fix and nothing else.
	Alone Left `json:"alone"`
	// Turn counts the fixes in the order in which they are made one after another,
	// each time the one that leaves least, from 1; 0 where it comes after one that
	// leaves nothing more to gain. Then is what is left with it and those before.
	Turn int   `json:"turn,omitempty"`
	Then *Left `json:"then,omitempty"`
}

// Left holds what a target still lacks, and what it takes.
type Left struct {
	// Value is that of the fix where another one does in turn.
	Value float64 `json:"value,omitempty"`
	// Seconds is the time with fewer ready replicas than needed, Missing the
	// replica-seconds that were missing.
	Seconds int64   `json:"seconds"`
	Missing float64 `json:"missingReplicaSeconds"`
	// MoreHours are the replica-hours asked for beyond those of the run.
	MoreHours float64 `json:"moreReplicaHours"`
}
