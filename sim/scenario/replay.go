package scenario

// Replay says how recorded series relate to the simulated replicas. The replay
// command writes it, so that simulate gives the same bytes.
//
// Metrics of type AverageValue are totals and are replayed as recorded. Those
// of type Value and Utilization depend on how many replicas ran: they are
// replayed as value x recorded ready / simulated ready.
type Replay struct {
	// OpenLoop replays Value and Utilization metrics as recorded where it is
	// not known how many replicas ran. Every report is stamped with it.
	OpenLoop bool `json:"openLoop,omitempty"`
	// Scale multiplies the demand; 1 if absent.
	Scale *float64 `json:"scale,omitempty"`
	// Saturation is the largest value that one replica can show of a metric that
	// depends on the replicas: of Utilization metrics, of Value metrics only in a
	// policy without them. If absent, of Utilization 1, or the largest recorded
	// value where that is more, and of Value none.
	Saturation *float64 `json:"saturation,omitempty"`
	// Demand is a PromQL expression for what was asked of the target, in the
	// units of Capacity; the metric of the current policy if absent.
	Demand string `json:"demand,omitempty"`
	// Capacity is how many units one replica serves; the target value of the
	// current policy's metric if absent. Demand and Capacity go together.
	Capacity *float64 `json:"capacity,omitempty"`
	// DemandLag is how far before its instant lies the demand that Demand shows, as the
	// lag of a yardstick. 0s if absent.
	DemandLag Duration `json:"demandLag,omitzero"`
	// ReadyAfter is that of every target that names none: a duration, or recorded. If
	// absent, the median of the target's recorded pods, else 0s.
	ReadyAfter *StartUp `json:"readyAfter,omitempty"`
	// LeadIn is the time before the run in which the policies decide dry, at the
	// recorded counts, so that their windows are filled when it begins; 0s if absent.
	LeadIn Duration `json:"leadIn,omitzero"`
	// Replicas maps targets, as [NAMESPACE/]KIND/NAME, to the series with their
	// recorded ready replicas. Targets not named have kube-state-metrics'
	// series, where the recording has them.
	Replicas map[string]string `json:"replicas,omitempty"`
}
