package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// Limits that keep state, cost and CRD validation bounded.
const (
	MaxMetrics       = 16   // metrics of one autoscaler
	MaxPolicies      = 16   // rate policies of one direction
	MaxQueryBytes    = 8192 // length of one query
	MaxIntervals     = 360  // a window or period, in intervals
	MaxWindowSeconds = 3600
	MaxPeriodSeconds = 1800
	MaxInterval      = 300   // seconds
	MaxCooldown      = 86400 // seconds
	MaxAfter         = 86400 // seconds, of a fallback
)

// Defaults of the fields that a manifest may leave out.
const (
	DefaultInterval   = 10  // seconds
	DefaultUpWindow   = 0   // seconds
	DefaultDownWindow = 300 // seconds
	DefaultCooldown   = 300 // seconds
)

// An Autoscaler is a compiled HorizontalAutoscaler spec. Its JSON form stands in
// the journal and is what Digest covers.
type Autoscaler struct {
	Target Target `json:"target"`
	// Min and Max bound the decision, in replicas.
	Min int32 `json:"min"`
	Max int32 `json:"max"`
	// Interval is the time between two slots in seconds.
	Interval int32    `json:"interval"`
	DryRun   bool     `json:"dryRun,omitempty"`
	Metrics  []Metric `json:"metrics"`
	// Zero lets the target sleep; nil where it never does.
	Zero *Zero `json:"zero,omitempty"`
	// Algorithm shapes recommendations; empty is by the rules below.
	Algorithm Algorithm `json:"algorithm,omitempty"`
	Up        Rules     `json:"up"`
	Down      Rules     `json:"down"`
}

// Zero is when a target sleeps: no metric is above its activation, and none has
// been for Cooldown seconds. Where no metric has one it is always active. Min is then 1 or more, and of targets that are awake.
type Zero struct {
	Cooldown int32 `json:"cooldown"`
	// InitialCooldown is how long a target that was never active stays awake after
	// its first decision, in seconds.
	InitialCooldown int32 `json:"initialCooldown,omitempty"`
	// Idle is the count of a sleeping target.
	Idle int32 `json:"idle"`
}

// An Algorithm is how recommendations become decisions.
type Algorithm string

// HPAWithoutBehavior is Kubernetes' older algorithm; of the rules it uses the
// tolerances and the window down.
const HPAWithoutBehavior Algorithm = "HPAWithoutBehavior"

// HPA are the two flags of Kubernetes' own controller that an HPA without a
// behavior decides by. The zero HPA has their defaults.
type HPA struct {
	// Tolerance is --horizontal-pod-autoscaler-tolerance; 0.1 if nil.
	Tolerance *float64
	// DownscaleStabilization is --horizontal-pod-autoscaler-downscale-stabilization
	// in seconds; 300 if nil.
	DownscaleStabilization *int32
}

// A Target names what is scaled, in the autoscaler's own namespace.
type Target struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// CountsNodes says whether the target is a ScalableNodeGroup, whose
// status.replicas leaves out nodes that are there and not ready.
func (t *Target) CountsNodes() bool {
	group, _, _ := strings.Cut(t.APIVersion, "/")
	return t.Kind == "ScalableNodeGroup" && group == v1alpha1.GroupVersion.Group
}

// A MetricType says how a metric relates to the replicas.
type MetricType string

// The metric types of the API.
const (
	Value        MetricType = "Value"
	AverageValue MetricType = "AverageValue"
	Utilization  MetricType = "Utilization"
)

// A Metric is one query and what its value should be.
type Metric struct {
	// Source names the server that is asked; empty for the controller's own.
	Source string     `json:"source,omitempty"`
	Query  string     `json:"query"`
	Type   MetricType `json:"type"`
	// Target is the number that the value (Value), the value per replica (AverageValue) or
	// the percentage 100 x value (Utilization) should be; it is positive.
	Target float64 `json:"target"`
	// Activation is the value above which the metric keeps the target awake; nil
	// where it does not.
	Activation *float64 `json:"activation,omitempty"`
	// Fallback is the count that the metric asks for once it has failed for some time; nil
	// where it asks for nothing.
	Fallback *Fallback `json:"fallback,omitempty"`
}

// A Fallback stands in for a metric that has failed for After seconds.
type Fallback struct {
	Replicas int32 `json:"replicas"`
	After    int32 `json:"after"`
	// AllowScaleDown says that it may ask for fewer replicas than there are.
	AllowScaleDown bool `json:"allowScaleDown,omitempty"`
}

// Key tells metrics apart whose failures have nothing to do with each other: the
// FNV-1a-32 of what is observed.
func (m *Metric) Key() uint32 {
	const offset, prime = 2166136261, 16777619
	key := uint32(offset)
	texts := []string{m.Query, string(m.Type), m.Source}
	if m.Source == "" {
		texts = texts[:2]
	}
	for _, text := range texts {
		for i := range len(text) {
			key = (key ^ uint32(text[i])) * prime
		}
		key *= prime // ends the text
	}
	return key
}

// A Select chooses among the rate policies of a direction.
type Select string

// The select policies of the API.
const (
	SelectMax Select = "Max"
	SelectMin Select = "Min"
	Disabled  Select = "Disabled"
)

// Rules shape one direction.
type Rules struct {
	// Window is the stabilization window in seconds.
	Window int32 `json:"window"`
	// Tolerance is the relative distance from the target that is ignored.
	Tolerance float64 `json:"tolerance"`
	Select    Select  `json:"select"`
	Policies  []Rate  `json:"policies"`
}

// A RateType is the unit of a rate policy.
type RateType string

// The rate types; the API's Pods is compiled to Count.
const (
	Count   RateType = "Count"
	Percent RateType = "Percent"
)

// A Rate allows a change of Value (replicas or percent) within Period seconds.
type Rate struct {
	Type   RateType `json:"type"`
	Value  int32    `json:"value"`
	Period int32    `json:"period"`
}

// Window is the longest stabilization window in seconds: how far back a
// recommendation can matter.
func (p *Autoscaler) Window() int32 { return max(p.Up.Window, p.Down.Window) }

// Period is the longest rate period in seconds: how far back a scale event can matter.
func (p *Autoscaler) Period() int32 {
	var longest int32
	for _, rules := range []*Rules{&p.Up, &p.Down} {
		for i := range rules.Policies {
			longest = max(longest, rules.Policies[i].Period)
		}
	}
	return longest
}

// CountsReady says whether a decision needs the ready replicas: all metrics but
// totals are multiplied by them.
func (p *Autoscaler) CountsReady() bool {
	for i := range p.Metrics {
		if p.Metrics[i].Type != AverageValue {
			return true
		}
	}
	return false
}

// Encode is the policy's canonical JSON.
func (p *Autoscaler) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // finite numbers and strings always marshal
	}
	return b
}

// Digest is the first 128 bits of the SHA-256 of an encoded policy, in hex.
func Digest(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// Valid says whether a decoded policy is one that CompileAutoscaler could have
// made as far as the step relies on it: a number of metrics and an interval
// within limits. It guards the verification of foreign journals.
func (p *Autoscaler) Valid() error {
	if p.Interval < 1 || p.Interval > MaxInterval {
		return fmt.Errorf("policy: interval %d is not between 1 and %d seconds", p.Interval, MaxInterval)
	}
	if len(p.Metrics) > MaxMetrics {
		return fmt.Errorf("policy: %d metrics, at most %d are allowed", len(p.Metrics), MaxMetrics)
	}
	return nil
}
