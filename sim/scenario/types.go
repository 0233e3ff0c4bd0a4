package scenario

// The API version and kind of a scenario document.
const (
	APIVersion = "simulation.karpenter.sh/v1alpha1"
	Kind       = "Scenario"
)

// A Scenario is one simulated run and what is expected of it.
type Scenario struct {
	// APIVersion is simulation.karpenter.sh/v1alpha1.
	APIVersion string `json:"apiVersion"`
	// Kind is Scenario.
	Kind     string   `json:"kind"`
	Metadata Metadata `json:"metadata"`
	Spec     Spec     `json:"spec"`
}

// Metadata names a scenario.
type Metadata struct {
	// Name names the scenario in reports and is its directory in the output;
	// unique in a call.
	Name string `json:"name"`
	// Labels are the user's own.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are the user's own.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Spec describes the run. Paths are relative to the scenario file.
type Spec struct {
	// Description says what happens and what should come of it.
	Description string `json:"description,omitempty"`
	// Seed is the source of all randomness. Required.
	Seed int64 `json:"seed"`
	// Start is the first instant of the run, RFC 3339 in whole seconds. Required.
	Start Time `json:"start"`
	// Duration is the length of the run, which covers [start, start+duration). Required.
	Duration Duration `json:"duration"`
	// Manifests are files and directories of manifests, besides inline documents.
	Manifests []string `json:"manifests,omitempty"`
	// Objects are the only objects of the manifests that take part, as
	// [NAMESPACE/]KIND/NAME of a HorizontalAutoscaler, which may stand there as
	// what is converted to it, a MetricsProducer or a ScalableNodeGroup. All if
	// absent.
	Objects []string `json:"objects,omitempty"`
	// Metrics are the PromQL of HorizontalPodAutoscalers' Pods, Object and
	// External metrics, by name or name{label="value"}, and of ScaledObjects'
	// triggers, by name, type or index, each perhaps after [NAMESPACE/]OBJECT/.
	Metrics map[string]string `json:"metrics,omitempty"`
	// Conversion says how HorizontalPodAutoscalers and ScaledObjects are converted.
	Conversion *Conversion `json:"conversion,omitempty"`
	// Controller says when decisions are made.
	Controller Controller `json:"controller,omitzero"`
	// Prometheus says how samples become visible and queries are evaluated.
	Prometheus Prometheus `json:"prometheus,omitzero"`
	// Interval is the spacing of the values of inputSeries; 15s if absent.
	Interval Duration `json:"interval,omitzero"`
	// InputSeries are synthetic series in promtool's notation.
	InputSeries []InputSeries `json:"inputSeries,omitempty"`
	// Recordings are recorded series.
	Recordings []Recording `json:"recordings,omitempty"`
	// Targets are objects with a scale subresource that nothing else in the
	// world owns.
	Targets []Target `json:"targets,omitempty"`
	// Workloads are objects with a scale subresource whose replicas serve a demand.
	Workloads []Workload `json:"workloads,omitempty"`
	// NodeGroups are the provider's node groups.
	NodeGroups []NodeGroup `json:"nodeGroups,omitempty"`
	// Queues are the provider's queues.
	Queues []Queue `json:"queues,omitempty"`
	// Faults lists what goes wrong.
	Faults []Fault `json:"faults,omitempty"`
	// Edits change objects during the run.
	Edits []Edit `json:"edits,omitempty"`
	// Replay says how recorded series react to the simulated replicas.
	Replay *Replay `json:"replay,omitempty"`
	// Yardstick says how many replicas are needed, the same for every variant and
	// baseline. If absent, what the policies of the manifests aim at: capacity
	// of Utilization metrics, else the metrics and their targets. Workloads and
	// consumers of queues have their demand instead.
	Yardstick Yardsticks `json:"yardstick,omitempty"`
	// Variants run the same input again under another policy.
	Variants []Variant `json:"variants,omitempty"`
	// Tune says what the tune command searches.
	Tune *Tune `json:"tune,omitempty"`
	// Expect are the expectations; one that fails fails the run.
	Expect []Expectation `json:"expect,omitempty"`
}

// Conversion says how the objects of other autoscalers are converted.
type Conversion struct {
	// Namespace is that of objects in manifests that name none; default if absent.
	Namespace string `json:"namespace,omitempty"`
	// AllowLoss converts objects without those of their metrics and triggers that
	// cannot be converted, which are left out otherwise.
	AllowLoss bool `json:"allowLoss,omitempty"`
}

// Namespace is that of objects in manifests that name none; empty for the default.
func (s *Spec) Namespace() string {
	if s.Conversion == nil {
		return ""
	}
	return s.Conversion.Namespace
}

// A Phase says how the grids of decisions lie in time.
type Phase string

// The phases.
const (
	// Aligned decides at start + k * interval.
	Aligned Phase = "aligned"
	// Hashed decides where a live controller would: each object has its own phase.
	Hashed Phase = "hashed"
)

// Controller says when decisions are made and at which instant they query.
type Controller struct {
	// Phase is aligned or hashed; hashed if absent.
	Phase Phase `json:"phase,omitempty"`
	// QueryOffset is how far before its slot a decision queries; 0s if absent.
	QueryOffset Duration `json:"queryOffset,omitzero"`
	// ScrapeInterval is --scrape-interval of the controller, at most 5m: replicas that
	// became ready, or stopped being so, within it before a query may or may not show in
	// its answer. If absent, each answer's own age, which only a simulation knows.
	ScrapeInterval *Duration `json:"scrapeInterval,omitempty"`
	// Tolerance is --horizontal-pod-autoscaler-tolerance of Kubernetes' own
	// controller, which decided the HPAs among the manifests; 0.1 if absent.
	Tolerance *float64 `json:"tolerance,omitempty"`
	// DownscaleStabilization is its --horizontal-pod-autoscaler-downscale-stabilization;
	// 5m if absent.
	DownscaleStabilization *Duration `json:"downscaleStabilization,omitempty"`
	// EnforceLabel is --enforce-label of the controller: every selector of every
	// query of an autoscaler gets this label with its namespace; none if absent.
	EnforceLabel string `json:"enforceLabel,omitempty"`
}

// Prometheus describes the simulated Prometheus.
type Prometheus struct {
	// ScrapeInterval is the time between scrapes, which are aligned to start; 15s if absent.
	ScrapeInterval Duration `json:"scrapeInterval,omitzero"`
	// IngestDelay is how much later a scraped sample is visible; 0s if absent.
	IngestDelay Duration `json:"ingestDelay,omitzero"`
	// LookbackDelta is how old a sample may be that an instant query returns. If
	// absent, 5m, or 1.5 times the median spacing of the recordings if that is more.
	LookbackDelta *Duration `json:"lookbackDelta,omitempty"`
	// RuleFiles are files of recording and alerting rules.
	RuleFiles []string `json:"ruleFiles,omitempty"`
	// EvaluationInterval is the time between evaluations of rule groups that
	// name none; 15s if absent.
	EvaluationInterval Duration `json:"evaluationInterval,omitzero"`
	// EnableFeatures are the experimental parts of PromQL that queries may use, as
	// in Prometheus' flag --enable-feature: promql-experimental-functions.
	EnableFeatures []string `json:"enableFeatures,omitempty"`
}

// InputSeries is one synthetic series, in the notation of promtool's unit tests.
type InputSeries struct {
	// Series is a name with labels, e.g. queue_length{queue="jobs"}.
	Series string `json:"series"`
	// Values are values, one interval apart from start on: a+bxN, axN, _, _xN,
	// stale, native histograms.
	Values string `json:"values"`
}

// A Format is the format of a recording.
type Format string

// The formats.
const (
	CSV         Format = "csv"
	OpenMetrics Format = "openmetrics"
	// TSDB is a Prometheus block or snapshot directory.
	TSDB Format = "tsdb"
	// JSON is a saved query_range response.
	JSON Format = "json"
	// Recorded is a directory that the record command wrote.
	Recorded Format = "recording"
)

// A Shift says where a recording lies in time.
type Shift string

// ToStart moves a recording so that its first sample lands on start.
const ToStart Shift = "toStart"

// A Recording is a file or directory of recorded series.
type Recording struct {
	// File is the path. Required.
	File string `json:"file"`
	// Format is csv, openmetrics, tsdb, json or recording; from the name and
	// content if absent.
	Format Format `json:"format,omitempty"`
	// Time says where a CSV has its times.
	Time RecordingTime `json:"time,omitzero"`
	// Series maps the columns of a CSV to series, e.g. value to requests{lb="x"}.
	Series map[string]string `json:"series,omitempty"`
	// Labels narrow the recording to the series that have all of them, as if they
	// stood in every selector.
	Labels map[string]string `json:"labels,omitempty"`
	// Shift is toStart, or absent to keep the timestamps.
	Shift Shift `json:"shift,omitempty"`
	// Scale multiplies every value; 1 if absent.
	Scale *float64 `json:"scale,omitempty"`
}

// RecordingTime says where a CSV has its times and how they are written.
type RecordingTime struct {
	// Column is the header of the column of times; found by itself if absent.
	Column string `json:"column,omitempty"`
	// Layout is the layout of the times in Go's notation, e.g. 2006-01-02
	// 15:04:05; recognised by itself if absent.
	Layout string `json:"layout,omitempty"`
	// Zone is the IANA zone of times without an offset; UTC if absent.
	Zone string `json:"zone,omitempty"`
}

// A Target is an object with a scale subresource.
type Target struct {
	// APIVersion is e.g. apps/v1; it may be absent for the kinds of apps/v1.
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind is e.g. Deployment. Required.
	Kind string `json:"kind"`
	// Namespace is default if absent.
	Namespace string `json:"namespace,omitempty"`
	// Name is the object's name. Required.
	Name string `json:"name"`
	// Replicas is spec.replicas at the start; if absent, as recorded, else in a
	// replay what AverageValue metrics ask for, else the larger of 1 and the
	// autoscaler's minReplicas.
	Replicas *int32 `json:"replicas,omitempty"`
	// ReadyAfter is how long a new replica takes to become ready: a duration, or
	// recorded, which has each take as long as one of the recorded pods. If absent,
	// in a replay as that says, else the recorded pods' median, else 0s.
	// Status.replicas counts it at once.
	ReadyAfter *StartUp `json:"readyAfter,omitempty"`
	// PendingFor is the part of a ReadyAfter of one duration in which a new replica
	// waits for a node; 0s if absent.
	PendingFor Duration `json:"pendingFor,omitzero"`
	// Recorded are the counts that really ran. If absent, in a replay what
	// kube-state-metrics' series of the target say, where they were recorded.
	Recorded *RecordedCounts `json:"recorded,omitempty"`
	// Counts say how many replicas there are and are ready, whatever is commanded.
	Counts *Counts `json:"counts,omitempty"`
	// Rollouts replace all replicas at instants of the run.
	Rollouts []Rollout `json:"rollouts,omitempty"`
	// PricePerHour is that of a replica, in any currency.
	PricePerHour float64 `json:"pricePerHour,omitempty"`
	// Billing says which time of a replica is paid; exactly that in which it is there if absent.
	Billing Billing `json:"billing,omitzero"`
}

// Counts are PromQL over inputSeries and recordings, evaluated at every slot and
// scrape before the decisions. A gap keeps the last value.
type Counts struct {
	// Status is status.replicas; what spec.replicas is if absent.
	Status string `json:"status,omitempty"`
	// Ready is the number of ready replicas; what status is if absent.
	Ready string `json:"ready,omitempty"`
}

// RecordedCounts are PromQL over inputSeries and recordings for what really ran. The
// simulated counts are compared with them, and metrics that depend on the replicas
// are divided among those that are ready here in the place of those that were.
type RecordedCounts struct {
	// Spec is the recorded spec.replicas; what Ready is if absent.
	Spec string `json:"spec,omitempty"`
	// Ready is the recorded number of ready replicas; what Spec is if absent.
	Ready string `json:"ready,omitempty"`
}

// Billing says which time of a replica or node is paid.
type Billing struct {
	// Minimum is the time that a replica which was there for less is billed; 0s if absent.
	Minimum Duration `json:"minimum,omitzero"`
	// Increment is billed in full once begun; if absent, time is billed exactly.
	Increment Duration `json:"increment,omitzero"`
}

// A Variant is another policy for the same input: either manifests or set.
type Variant struct {
	// Name names the variant in reports and is its directory in the output.
	Name string `json:"name"`
	// Manifests are files and directories whose objects replace the scenario's.
	Manifests []string `json:"manifests,omitempty"`
	// Set changes fields of every HorizontalAutoscaler, in helm's syntax:
	// spec.maxReplicas=20; with an object in front, of that object:
	// sng/workers:spec.replicas=5. A string, a list of strings or a mapping from
	// path to value.
	Set Assignments `json:"set,omitempty"`
}
