package policy

import (
	"fmt"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// CompileAutoscaler turns a spec into a policy. Every violation is reported
// with its field below path ("spec"); the policy is nil unless there is none.
func CompileAutoscaler(spec *v1alpha1.HorizontalAutoscalerSpec, path *field.Path) (*Autoscaler, field.ErrorList) {
	return HPA{}.CompileAutoscaler(spec, path)
}

// CompileAutoscaler compiles a spec where Kubernetes' controller has other flags
// than the default ones.
func (h HPA) CompileAutoscaler(spec *v1alpha1.HorizontalAutoscalerSpec, path *field.Path) (*Autoscaler, field.ErrorList) {
	c := compiler{}
	p := &Autoscaler{
		Target:   c.target(&spec.ScaleTargetRef, path.Child("scaleTargetRef")),
		Min:      spec.MinReplicas,
		Max:      spec.MaxReplicas,
		Interval: c.interval(spec.PollingIntervalSeconds, path.Child("pollingIntervalSeconds")),
		DryRun:   spec.DryRun,
		Metrics:  []Metric{},
	}
	c.bounds(p, path)
	if len(spec.Metrics) > MaxMetrics {
		c.fail(field.TooMany(path.Child("metrics"), len(spec.Metrics), MaxMetrics))
	}
	for i := range spec.Metrics {
		p.Metrics = append(p.Metrics, c.metric(&spec.Metrics[i], path.Child("metrics").Index(i)))
	}
	c.zero(p, spec.Zero, path)
	c.fallbacks(p, spec.Metrics, path.Child("metrics"))
	behavior := path.Child("behavior")
	p.Up = c.rules(spec.Behavior.ScaleUp, DefaultUpWindow, p.Interval, behavior.Child("scaleUp"))
	p.Down = c.rules(spec.Behavior.ScaleDown, DefaultDownWindow, p.Interval, behavior.Child("scaleDown"))
	c.algorithm(p, h, &spec.Behavior, behavior)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return p, nil
}

// compiler collects violations, so that one pass reports them all.
type compiler struct{ errs field.ErrorList }

func (c *compiler) fail(err *field.Error) { c.errs = append(c.errs, err) }

func (c *compiler) between(value, low, high int32, unit string, path *field.Path) {
	if value < low || value > high {
		c.fail(field.Invalid(path, value, fmt.Sprintf("must be between %d and %d%s", low, high, unit)))
	}
}

func (c *compiler) target(ref *v1alpha1.CrossVersionObjectReference, path *field.Path) Target {
	if ref.Kind == "" {
		c.fail(field.Required(path.Child("kind"), "the kind of the resource to scale, e.g. Deployment"))
	}
	if ref.Name == "" {
		c.fail(field.Required(path.Child("name"), "the name of the resource to scale"))
	}
	return Target{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name}
}

func (c *compiler) interval(given *int32, path *field.Path) int32 {
	if given == nil {
		return DefaultInterval
	}
	c.between(*given, 1, MaxInterval, " seconds", path)
	return *given
}

func (c *compiler) bounds(p *Autoscaler, path *field.Path) {
	if p.Min < 0 {
		c.fail(field.Invalid(path.Child("minReplicas"), p.Min, "must be at least 0"))
	}
	if p.Max < 0 {
		c.fail(field.Invalid(path.Child("maxReplicas"), p.Max, "must be at least 0"))
	}
	if p.Min > p.Max {
		c.fail(field.Invalid(path.Child("minReplicas"), p.Min, fmt.Sprintf("must be at most maxReplicas (%d)", p.Max)))
	}
}

// zero compiles when the target sleeps.
func (c *compiler) zero(p *Autoscaler, given *v1alpha1.Zero, path *field.Path) {
	if given == nil {
		for i := range p.Metrics {
			if p.Metrics[i].Activation != nil {
				c.fail(field.Forbidden(path.Child("metrics").Index(i).Child("activation"), "has no effect without spec.zero"))
			}
		}
		return
	}
	z := &Zero{Cooldown: DefaultCooldown, InitialCooldown: given.InitialCooldownSeconds, Idle: given.IdleReplicas}
	c.between(z.InitialCooldown, 0, MaxCooldown, " seconds", path.Child("zero", "initialCooldownSeconds"))
	if given.CooldownSeconds != nil {
		z.Cooldown = *given.CooldownSeconds
		c.between(z.Cooldown, 0, MaxCooldown, " seconds", path.Child("zero", "cooldownSeconds"))
	}
	p.Zero, p.Min = z, max(1, p.Min)
	if z.Idle < 0 || z.Idle >= p.Min {
		c.fail(field.Invalid(path.Child("zero", "idleReplicas"), z.Idle, fmt.Sprintf("must be at least 0 and less than minReplicas (%d)", p.Min)))
	}
	if p.Max < 1 {
		c.fail(field.Invalid(path.Child("maxReplicas"), p.Max, "must be at least 1 with spec.zero"))
	}
}

// fallbacks compiles what metrics ask for while they fail; bounds and interval are
// compiled already.
func (c *compiler) fallbacks(p *Autoscaler, given []v1alpha1.Metric, path *field.Path) {
	for i := range given {
		f := given[i].Fallback
		if f == nil {
			continue
		}
		path := path.Index(i).Child("fallback")
		if f.Replicas < p.Min || f.Replicas > p.Max {
			c.fail(field.Invalid(path.Child("replicas"), f.Replicas, fmt.Sprintf("must be between minReplicas (%d) and maxReplicas (%d)", p.Min, p.Max)))
		}
		after := f.After.Duration
		switch {
		case after%time.Second != 0:
			c.fail(field.Invalid(path.Child("after"), after.String(), "must be whole seconds"))
		case after < time.Duration(p.Interval)*time.Second || after > MaxAfter*time.Second:
			c.fail(field.Invalid(path.Child("after"), after.String(), fmt.Sprintf("must be between one polling interval (%d s) and 24h", p.Interval)))
		}
		p.Metrics[i].Fallback = &Fallback{Replicas: f.Replicas, After: int32(after / time.Second), AllowScaleDown: f.AllowScaleDown}
	}
}

func (c *compiler) metric(m *v1alpha1.Metric, path *field.Path) Metric {
	var activation *float64
	if m.Activation != nil {
		value := Number(m.Activation)
		activation = &value
		if math.IsNaN(value) || math.IsInf(value, 0) {
			c.fail(field.Invalid(path.Child("activation"), m.Activation.String(), "must be a finite number"))
		}
	}
	compiled := c.prometheus(m, path.Child("prometheus"))
	compiled.Activation = activation
	return compiled
}

func (c *compiler) prometheus(m *v1alpha1.Metric, path *field.Path) Metric {
	if m.Prometheus == nil {
		c.fail(field.Required(path, "each metric needs exactly one source, and prometheus is the only one"))
		return Metric{}
	}
	source, query := m.Prometheus.Source, m.Prometheus.Query
	if source != "" && len(validation.IsDNS1123Label(source)) > 0 {
		c.fail(field.Invalid(path.Child("source"), source, "must be the name of a source: lower case letters, digits and -, at most 63"))
	}
	switch {
	case strings.TrimSpace(query) == "":
		c.fail(field.Required(path.Child("query"), "a PromQL expression that yields one sample"))
	case len(query) > MaxQueryBytes:
		c.fail(field.TooLong(path.Child("query"), "", MaxQueryBytes))
	}
	target := &m.Prometheus.Target
	path = path.Child("target")
	quantity, quantityPath := target.Value, path.Child("value")
	switch target.Type {
	case v1alpha1.ValueMetricType:
	case v1alpha1.AverageValueMetricType:
		// Where neither is given, the type's own field is the one to name.
		if target.AverageValue != nil || target.Value == nil {
			quantity, quantityPath = target.AverageValue, path.Child("averageValue")
		}
	case v1alpha1.UtilizationMetricType:
		if target.AverageUtilization != nil || target.Value == nil {
			quantityPath = path.Child("averageUtilization")
		}
		if target.AverageUtilization != nil {
			quantity = resource.NewQuantity(int64(*target.AverageUtilization), resource.DecimalSI)
		}
	default:
		c.fail(field.NotSupported(path.Child("type"), target.Type, []v1alpha1.MetricTargetType{
			v1alpha1.ValueMetricType, v1alpha1.AverageValueMetricType, v1alpha1.UtilizationMetricType}))
		return Metric{}
	}
	if quantity == nil {
		c.fail(field.Required(quantityPath, fmt.Sprintf("the target of a metric of type %s", target.Type)))
		return Metric{}
	}
	value := Number(quantity)
	if !(value > 0) || math.IsInf(value, 0) {
		c.fail(field.Invalid(quantityPath, quantity.String(), "must be greater than 0"))
	}
	return Metric{Source: source, Query: query, Type: MetricType(target.Type), Target: value}
}

// rules fills in one direction field by field: setting one field never erases
// another's default.
func (c *compiler) rules(given *v1alpha1.ScalingRules, window, interval int32, path *field.Path) Rules {
	r := Rules{Window: window, Select: SelectMax, Policies: []Rate{}}
	if given == nil {
		given = &v1alpha1.ScalingRules{}
	}
	windowPath := path.Child("stabilizationWindowSeconds")
	if given.StabilizationWindowSeconds != nil {
		r.Window = *given.StabilizationWindowSeconds
		c.between(r.Window, 0, MaxWindowSeconds, " seconds", windowPath)
	}
	c.intervals(r.Window, interval, windowPath)
	if given.Tolerance != nil {
		r.Tolerance = Number(given.Tolerance)
		if !(r.Tolerance >= 0) || math.IsInf(r.Tolerance, 0) {
			c.fail(field.Invalid(path.Child("tolerance"), given.Tolerance.String(), "must be at least 0, e.g. 0.1 for 10 %"))
		}
	}
	if given.SelectPolicy != nil {
		r.Select = Select(*given.SelectPolicy)
		switch r.Select {
		case SelectMax, SelectMin, Disabled:
		default:
			c.fail(field.NotSupported(path.Child("selectPolicy"), r.Select, []Select{SelectMax, SelectMin, Disabled}))
		}
	}
	if len(given.Policies) > MaxPolicies {
		c.fail(field.TooMany(path.Child("policies"), len(given.Policies), MaxPolicies))
	}
	for i := range given.Policies {
		r.Policies = append(r.Policies, c.rate(&given.Policies[i], interval, path.Child("policies").Index(i)))
	}
	return r
}

// algorithm fills in what an HPA without a behavior has from its controller's flags.
func (c *compiler) algorithm(p *Autoscaler, h HPA, given *v1alpha1.Behavior, path *field.Path) {
	switch given.Algorithm {
	case "":
		return
	case v1alpha1.HPAWithoutBehavior:
	default:
		c.fail(field.NotSupported(path.Child("algorithm"), given.Algorithm, []v1alpha1.BehaviorAlgorithm{v1alpha1.HPAWithoutBehavior}))
		return
	}
	p.Algorithm = HPAWithoutBehavior
	for _, d := range []struct {
		given *v1alpha1.ScalingRules
		rules *Rules
		name  string
	}{{given.ScaleUp, &p.Up, "scaleUp"}, {given.ScaleDown, &p.Down, "scaleDown"}} {
		if d.given == nil || d.given.Tolerance == nil {
			d.rules.Tolerance = defaultTolerance
			if h.Tolerance != nil {
				d.rules.Tolerance = *h.Tolerance
			}
		}
		if d.given == nil {
			continue
		}
		for _, f := range []struct {
			name string
			set  bool
		}{
			{"policies", len(d.given.Policies) > 0}, {"selectPolicy", d.given.SelectPolicy != nil},
			{"stabilizationWindowSeconds", d.rules == &p.Up && d.given.StabilizationWindowSeconds != nil},
		} {
			if f.set {
				c.fail(field.Forbidden(path.Child(d.name, f.name), "has no effect with algorithm HPAWithoutBehavior; remove one of the two (the algorithm by spec.behavior.algorithm= in the same variant, by spec.behavior.algorithm=[null] in the same search)"))
			}
		}
	}
	if h.DownscaleStabilization != nil && (given.ScaleDown == nil || given.ScaleDown.StabilizationWindowSeconds == nil) {
		p.Down.Window = *h.DownscaleStabilization
	}
}

// defaultTolerance is that of Kubernetes' controller.
const defaultTolerance = 0.1

func (c *compiler) rate(given *v1alpha1.ScalingPolicy, interval int32, path *field.Path) Rate {
	r := Rate{Type: RateType(given.Type), Value: given.Value, Period: given.PeriodSeconds}
	switch given.Type {
	case v1alpha1.CountScalingPolicy, v1alpha1.PercentScalingPolicy:
	case v1alpha1.PodsScalingPolicy:
		r.Type = Count
	default:
		c.fail(field.NotSupported(path.Child("type"), given.Type, []v1alpha1.ScalingPolicyType{
			v1alpha1.CountScalingPolicy, v1alpha1.PercentScalingPolicy, v1alpha1.PodsScalingPolicy}))
	}
	if r.Value < 1 {
		c.fail(field.Invalid(path.Child("value"), r.Value, "must be at least 1"))
	}
	periodPath := path.Child("periodSeconds")
	c.between(r.Period, 1, MaxPeriodSeconds, " seconds", periodPath)
	c.intervals(r.Period, interval, periodPath)
	return r
}

// intervals bounds the state: a window holds at most one entry an interval.
func (c *compiler) intervals(seconds, interval int32, path *field.Path) {
	if interval < 1 || interval > MaxInterval || seconds <= MaxIntervals*interval {
		return
	}
	c.fail(field.Invalid(path, seconds, fmt.Sprintf(
		"must be at most %d seconds, %d times pollingIntervalSeconds (%d)", MaxIntervals*interval, MaxIntervals, interval)))
}
