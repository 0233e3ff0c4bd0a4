package convert

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// cronTrigger converts a trigger of type cron into a producer without a name.
func (c *converter) cronTrigger(trigger *keda.Trigger, path *field.Path) (*v1alpha1.MetricsProducer, error) {
	if kind := trigger.MetricType; kind != "" && kind != autoscalingv2.AverageValueMetricType {
		c.lost(path.Child("metricType"), "%s is not carried over: a schedule is a total, AverageValue", kind)
	}
	path = path.Child("metadata")
	metadata := trigger.Metadata
	var errs []error
	for _, key := range []string{"timezone", "start", "end", "desiredReplicas"} {
		if metadata[key] == "" {
			errs = append(errs, c.invalid(path.Child(key), "required"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if metadata["start"] == metadata["end"] {
		errs = append(errs, c.invalid(path.Child("end"), "must differ from start (%s)", metadata["start"]))
	}
	start, startErr := c.cron(metadata["start"], path.Child("start"))
	end, endErr := c.cron(metadata["end"], path.Child("end"))
	replicas, err := strconv.ParseInt(metadata["desiredReplicas"], 10, 32)
	if err != nil || replicas < 0 {
		errs = append(errs, c.invalid(path.Child("desiredReplicas"), "%q must be a number of replicas", metadata["desiredReplicas"]))
	}
	timezone, zoneErr := c.timezone(metadata["timezone"], path.Child("timezone"))
	if err := errors.Join(append(errs, startErr, endErr, zoneErr)...); err != nil {
		return nil, err
	}
	c.changed(path, "the schedule is a MetricsProducer, which the controller evaluates; outside it the value is 0, which minReplicas bounds")
	c.lost(path.Child("desiredReplicas"), "reached only within the tolerance of 0.1, as with KEDA; set the tolerances of the behavior to 0 to reach %d exactly", replicas)
	c.noteWindow(metadata["start"], metadata["end"], path)
	c.noteMetadata(trigger, path, "timezone", "start", "end", "desiredReplicas")
	return &v1alpha1.MetricsProducer{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "MetricsProducer"},
		Spec: v1alpha1.MetricsProducerSpec{Schedule: &v1alpha1.ScheduleSpec{
			Timezone:  &timezone,
			Behaviors: []v1alpha1.ScheduledBehavior{{Replicas: int32(replicas), Start: start, End: end}},
		}},
	}, nil
}

// timezone is the zone of a cron trigger.
func (c *converter) timezone(name string, path *field.Path) (string, error) {
	if name == "Local" {
		c.lost(path, "Local is the time zone of KEDA's operator, UTC in its own image: UTC is taken; if the operator runs in another zone, name that")
		return policy.DefaultTimezone, nil
	}
	if _, err := policy.Zone(name); err != nil {
		return "", c.invalid(path, "%q is no time zone: want a name of the IANA database such as Europe/Paris, or UTC", name)
	}
	return name, nil
}

// scheduleMetric reads the value of the producer called name.
func (c *converter) scheduleMetric(name string) v1alpha1.Metric {
	one := resource.MustParse("1")
	return prometheusMetric(
		selector("karpenter_scheduled_replicas_value", matcher{"name", "=", name}, matcher{"namespace", "=", c.namespace}),
		v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &one},
	)
}

// A cronField is one of the five fields of a cron expression.
type cronField struct {
	name     string
	min, max int
	// names has a name for each value from min on.
	names []string
}

// The fields in their order.
var cronFields = [5]cronField{
	{name: "minute", min: 0, max: 59},
	{name: "hour", min: 0, max: 23},
	{name: "day of month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of week", min: 0, max: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// cron translates an expression: ranges and steps become lists; a field that
// is every day, month or weekday is left out, and every minute or hour, which
// cannot be, is listed.
func (c *converter) cron(expression string, path *field.Path) (v1alpha1.Pattern, error) {
	texts := strings.Fields(expression)
	if len(texts) != len(cronFields) {
		return v1alpha1.Pattern{}, c.invalid(path, "%q has %d fields; allowed are five: minute, hour, day of month, month, day of week", expression, len(texts))
	}
	var lists [len(cronFields)]*string
	for i, f := range cronFields {
		values, star, err := f.parse(texts[i])
		if err != nil {
			return v1alpha1.Pattern{}, c.invalid(path, "%q: %w", expression, err)
		}
		if star && i >= 2 {
			continue
		}
		text := list(values)
		lists[i] = &text
	}
	return v1alpha1.Pattern{Minutes: lists[0], Hours: lists[1], Days: lists[2], Months: lists[3], Weekdays: lists[4]}, nil
}

// parse returns the values as a bit set, and whether they are all by a star,
// which matters for the days: only then the other days field decides alone.
func (f cronField) parse(text string) (values uint64, star bool, err error) {
	for _, part := range strings.Split(text, ",") {
		low, high, step, every, err := f.span(part)
		if err != nil {
			return 0, false, err
		}
		star = star || every
		for value := low; value <= high; value += step {
			values |= 1 << value
		}
	}
	return values, star, nil
}

// span is one element of a field's list: a value, a range or a star, each
// perhaps with a step.
func (f cronField) span(part string) (low, high, step int, star bool, err error) {
	text, stepText, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, 0, 0, false, fmt.Errorf("%s %q: a step is a number from 1", f.name, part)
		}
		step = min(step, f.max+1) // beyond the range any step is the same
	}
	if text == "*" || text == "?" {
		return f.min, f.max, step, step == 1, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if low, err = f.value(from); err != nil {
		return 0, 0, 0, false, err
	}
	switch {
	case ranged:
		if high, err = f.value(to); err != nil {
			return 0, 0, 0, false, err
		}
		if high < low {
			return 0, 0, 0, false, fmt.Errorf("%s %q: the range runs backwards", f.name, part)
		}
	case stepped:
		high = f.max
	default:
		high = low
	}
	return low, high, step, false, nil
}

func (f cronField) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, nil
		}
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < f.min || value > f.max {
		return 0, fmt.Errorf("%s %q: allowed are numbers from %d to %d%s, lists, ranges, steps and *", f.name, text, f.min, f.max, f.example())
	}
	return value, nil
}

func (f cronField) example() string {
	if len(f.names) == 0 {
		return ""
	}
	return fmt.Sprintf(", names such as %s", f.names[0])
}

// list writes the values in ascending order.
func list(values uint64) string {
	var texts []string
	for ; values != 0; values &= values - 1 {
		texts = append(texts, strconv.Itoa(bits.TrailingZeros64(values)))
	}
	return strings.Join(texts, ",")
}
