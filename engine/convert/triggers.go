package convert

import (
	"errors"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// prometheusTrigger converts a trigger of type prometheus of an object that sleeps
// or not.
func (c *converter) prometheusTrigger(trigger *keda.Trigger, sleeps bool, path *field.Path) (v1alpha1.Metric, error) {
	target, err := c.thresholdTarget(trigger, "threshold", path)
	errs := []error{err}
	path = path.Child("metadata")
	query := strings.TrimSpace(trigger.Metadata["query"])
	if query == "" {
		errs = append(errs, c.invalid(path.Child("query"), "required: a PromQL query"))
	}
	scalar, err := c.parse(query, path.Child("query"))
	if query != "" {
		errs = append(errs, err)
	}
	query, err = c.nullAsZero(query, scalar, trigger.Metadata, path)
	errs = append(errs, err)
	activation, err := c.activation(trigger.Metadata, "activationThreshold", sleeps, path)
	if err := errors.Join(append(errs, err)...); err != nil {
		return v1alpha1.Metric{}, err
	}
	c.noteReady(target, path)
	c.noteConnection(trigger.Metadata, path)
	metric := prometheusMetric(query, target)
	metric.Activation = activation
	return metric, nil
}

// plainKey matches keys that need no brackets in the path of a field.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// member is the path of an entry of a trigger's metadata.
func member(path *field.Path, key string) *field.Path {
	if plainKey.MatchString(key) {
		return path.Child(key)
	}
	return path.Key(key)
}

// thresholdTarget is the target that a trigger has in a field of its metadata.
func (c *converter) thresholdTarget(trigger *keda.Trigger, key string, path *field.Path) (v1alpha1.MetricTarget, error) {
	threshold, err := c.number(trigger.Metadata, key, path.Child("metadata"))
	if err != nil {
		return v1alpha1.MetricTarget{}, err
	}
	if threshold <= 0 {
		return v1alpha1.MetricTarget{}, c.invalid(member(path.Child("metadata"), key), "%q must be greater than 0", trigger.Metadata[key])
	}
	value, err := resource.ParseQuantity(strconv.FormatFloat(threshold, 'f', -1, 64))
	if err != nil || math.Abs(value.AsApproximateFloat64()-threshold) > 1e-6*threshold {
		// Quantities are rounded up to nano-units and capped.
		return v1alpha1.MetricTarget{}, c.invalid(member(path.Child("metadata"), key), "%q is no quantity, which counts nano-units up to 9e18: scale the query and the threshold alike", trigger.Metadata[key])
	}
	switch trigger.MetricType {
	case "", autoscalingv2.AverageValueMetricType:
		return v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &value}, nil
	case autoscalingv2.ValueMetricType:
		return v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: &value}, nil
	}
	return v1alpha1.MetricTarget{}, c.invalid(path.Child("metricType"), "%q is not possible for this trigger; allowed: AverageValue, Value", trigger.MetricType)
}

// nullAsZero keeps ignoreNullValues, which is true unless set: an empty result is 0.
// A scalar is never empty.
func (c *converter) nullAsZero(query string, scalar bool, metadata map[string]string, path *field.Path) (string, error) {
	const key = "ignoreNullValues"
	ignore, err := c.boolean(metadata, key, true, path)
	if err != nil || !ignore {
		return query, err
	}
	if scalar {
		c.lost(member(path, key), "the query yields a scalar, which is never empty; NaN and Inf, which KEDA takes for 0, hold here")
		return query, nil
	}
	c.lost(member(path, key), "KEDA takes an empty result for 0, so the query ends in `or on() vector(0)`: remove it to hold the replicas instead when the data are missing. NaN and Inf, which KEDA takes for 0 too, hold here")
	// on() keeps vector(0) away from a result that has labels.
	return parenthesized(query) + " or on() vector(0)", nil
}

// activation is the threshold of the activation, the entry key of the metadata, of an
// object that sleeps; nil of others, for which it has no effect.
func (c *converter) activation(metadata map[string]string, key string, sleeps bool, path *field.Path) (*resource.Quantity, error) {
	threshold := 0.0
	if metadata[key] != "" {
		var err error
		if threshold, err = c.number(metadata, key, path); err != nil {
			return nil, err
		}
		if !sleeps && threshold != 0 {
			c.changed(member(path, key), "without effect: the replicas never reach 0")
		}
	}
	if !sleeps {
		return nil, nil
	}
	value, err := resource.ParseQuantity(strconv.FormatFloat(threshold, 'f', -1, 64))
	if err != nil {
		return nil, c.invalid(path.Child(key), "%q is no quantity, which counts nano-units up to 9e18", metadata[key])
	}
	return &value, nil
}

// parenthesized is safe against a comment at the query's end.
func parenthesized(query string) string {
	if strings.Contains(query, "#") {
		return "(" + query + "\n)"
	}
	return "(" + query + ")"
}

// noteConnection notes where and how KEDA would have sent the query.
func (c *converter) noteConnection(metadata map[string]string, path *field.Path) {
	converted := []string{"query", "threshold", "activationThreshold", "ignoreNullValues"}
	var keys []string
	for key := range metadata {
		if !slices.Contains(converted, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		switch key {
		case "serverAddress":
			c.noteServer(metadata[key], member(path, key))
		case "metricName":
			c.changed(member(path, key), "not carried over: it only names the metric in KEDA's own API")
		case "namespace", "queryParameters":
			c.dropped(member(path, key), "dropped: the query is sent without it; write the selection into the query's label matchers")
		default:
			c.dropped(member(path, key), "dropped: the connection to Prometheus is configured at the controller, for all queries")
		}
	}
}

func (c *converter) noteServer(address string, path *field.Path) {
	given := strings.TrimSuffix(c.options.PrometheusURL, "/")
	switch {
	case given == "":
		c.changed(path, "the controller queries the one Prometheus that it is started with; check that it is %s", address)
	case given != strings.TrimSuffix(address, "/"):
		c.lost(path, "the controller queries %s, not %s; check that the series are there", given, address)
	}
}

// resourceTrigger converts a trigger of type cpu or memory, which KEDA passes on to the HPA.
func (c *converter) resourceTrigger(trigger *keda.Trigger, path *field.Path) (v1alpha1.Metric, error) {
	metadata := path.Child("metadata")
	c.noteMetadata(trigger, metadata, "type", "value", "containerName")
	given := autoscalingv2.MetricTarget{Type: trigger.MetricType}
	switch older := trigger.Metadata["type"]; {
	case given.Type == "":
		given.Type = autoscalingv2.MetricTargetType(older)
	case older != "":
		c.changed(metadata.Child("type"), "%s is without effect beside metricType (%s)", older, given.Type)
	}
	text := trigger.Metadata["value"]
	switch given.Type {
	case autoscalingv2.UtilizationMetricType:
		percent, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return v1alpha1.Metric{}, c.invalid(metadata.Child("value"), "%q must be a percentage, e.g. 60", text)
		}
		value := int32(percent)
		given.AverageUtilization = &value
	case autoscalingv2.AverageValueMetricType:
		value, err := resource.ParseQuantity(text)
		if err != nil {
			return v1alpha1.Metric{}, c.invalid(metadata.Child("value"), "%q must be a quantity, e.g. 500m", text)
		}
		given.AverageValue = &value
	case "":
		return v1alpha1.Metric{}, c.invalid(path.Child("metricType"), "required; allowed: Utilization, AverageValue")
	default:
		return v1alpha1.Metric{}, c.invalid(path.Child("metricType"), "%q is not possible for this trigger; allowed: Utilization, AverageValue", given.Type)
	}
	return c.resource(trigger.Type, trigger.Metadata["containerName"], given, path)
}

// noteMetadata notes what a trigger has besides what its type knows.
func (c *converter) noteMetadata(trigger *keda.Trigger, path *field.Path, known ...string) {
	for _, key := range slices.Sorted(maps.Keys(trigger.Metadata)) {
		if !slices.Contains(known, key) {
			c.dropped(member(path, key), "not known of a trigger of type %s and not carried over; check its spelling", trigger.Type)
		}
	}
}

// number reads a finite number; an absent one is an error.
func (c *converter) number(metadata map[string]string, key string, path *field.Path) (float64, error) {
	text, ok := metadata[key]
	if !ok {
		near := suggest.Closest(key, slices.Sorted(maps.Keys(metadata)))
		if near != "" {
			return 0, c.invalid(member(path, near), "not known; did you mean %q?", key)
		}
		return 0, c.invalid(member(path, key), "required: a number")
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return 0, c.invalid(member(path, key), "%q must be a number", text)
	}
	return value, nil
}

func (c *converter) boolean(metadata map[string]string, key string, absent bool, path *field.Path) (bool, error) {
	text, ok := metadata[key]
	if !ok || text == "" {
		return absent, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, c.invalid(member(path, key), "%q must be true or false", text)
	}
	return value, nil
}
