package convert

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// formulaToken matches what a formula of scalingModifiers is made of that PromQL has as
// well: names of triggers, numbers, the four operators and parentheses.
var formulaToken = regexp.MustCompile(`^\s*([A-Za-z_]\w*|\d+(?:\.\d*)?|[-+*/()])`)

// formula makes one metric of the triggers that a formula combines, as KEDA does: its
// HPA then has that one beside those on cpu and memory. A formula that is more than
// arithmetic is refused, or dropped with Options.AllowLoss.
func (c *converter) formula(so *keda.ScaledObject, ha *v1alpha1.HorizontalAutoscaler, path *field.Path) error {
	if so.Spec.Advanced == nil || so.Spec.Advanced.ScalingModifiers == nil || *so.Spec.Advanced.ScalingModifiers == (keda.ScalingModifiers{}) {
		return nil
	}
	m := so.Spec.Advanced.ScalingModifiers
	path = path.Child("advanced", "scalingModifiers")
	var query string
	all := len(ha.Spec.Metrics) == len(so.Spec.Triggers)
	if all {
		query, all = c.combined(m.Formula, so.Spec.Triggers, ha.Spec.Metrics)
	}
	const allowed = "only + - * / and parentheses over names of triggers that can all be converted are carried over; write the formula as one PromQL query in a trigger of type prometheus instead"
	switch {
	case !all && !c.options.AllowLoss && len(ha.Spec.Metrics) == len(so.Spec.Triggers):
		return c.unsupported(path, "the formula %q cannot be converted: %s. --allow-loss has the trigger that asks for most replicas decide", m.Formula, allowed)
	case !all:
		c.dropped(path, "the formula %q (target %s of type %s, activation %s) is dropped, so the trigger that asks for most replicas decides: %s",
			m.Formula, cmp.Or(m.Target, "none"), cmp.Or(m.MetricType, "AverageValue"), cmp.Or(m.ActivationTarget, "above 0"), allowed)
		return nil
	}
	// The modifiers have the fields of a trigger.
	as := &keda.Trigger{MetricType: autoscalingv2.MetricTargetType(m.MetricType), Metadata: map[string]string{"target": m.Target, "activationTarget": m.ActivationTarget}}
	inMetadata := c.written
	c.written = func(field string) string {
		field = strings.Replace(field, path.String()+".metadata.", path.String()+".", 1)
		if inMetadata != nil {
			return inMetadata(field)
		}
		return field
	}
	target, err := c.thresholdTarget(as, "target", path)
	activation, activationErr := c.activation(as.Metadata, "activationTarget", sleeps(&so.Spec), path.Child("metadata"))
	if err := errors.Join(err, activationErr); err != nil {
		return err
	}
	one := prometheusMetric(query, target)
	one.Activation = activation
	metrics := []v1alpha1.Metric{one}
	result := field.NewPath("spec", "metrics")
	c.origins = slices.DeleteFunc(c.origins, func(o origin) bool { return strings.HasPrefix(o.result, result.String()+"[") })
	c.from(ha, result.Index(0), path)
	for i, trigger := range so.Spec.Triggers {
		if ha.Spec.Metrics[i].Fallback != nil {
			metrics[0].Fallback = &v1alpha1.Fallback{}
		}
		for _, key := range slices.Sorted(maps.Keys(trigger.Metadata)) {
			if strings.HasPrefix(key, "activation") && trigger.Metadata[key] != "" {
				c.changed(member(field.NewPath("spec", "triggers").Index(i).Child("metadata"), key), "without effect: the formula's own activationTarget counts")
			}
		}
		if trigger.Type == cpu || trigger.Type == memory {
			c.from(ha, result.Index(len(metrics)), field.NewPath("spec", "triggers").Index(i))
			metrics = append(metrics, ha.Spec.Metrics[i])
		}
	}
	ha.Spec.Metrics = metrics
	c.changed(path, "the formula is one query over those of its triggers, whose own thresholds have no effect, as with KEDA")
	return nil
}

// combined is a formula as PromQL over the queries of the triggers that it names. A
// query without exactly one sample makes it NaN, which holds.
func (c *converter) combined(formula string, triggers []keda.Trigger, metrics []v1alpha1.Metric) (query string, ok bool) {
	var b strings.Builder
	for rest := strings.TrimSpace(formula); rest != ""; rest = strings.TrimSpace(rest) {
		found := formulaToken.FindStringSubmatch(rest)
		if found == nil {
			return "", false
		}
		token := found[1]
		rest = rest[len(found[0]):]
		switch {
		case strings.Contains("+-*/", token):
			b.WriteString(" " + token + " ")
		case token == "(" || token == ")" || token[0] >= '0' && token[0] <= '9':
			b.WriteString(token)
		default:
			i := slices.IndexFunc(triggers, func(t keda.Trigger) bool { return t.Name == token && t.Type != cpu && t.Type != memory })
			if i < 0 {
				return "", false
			}
			of := metrics[i].Prometheus.Query
			if scalar, err := c.parse(of, field.NewPath("spec")); err != nil || !scalar {
				of = "scalar" + parenthesized(of)
			} else {
				of = parenthesized(of)
			}
			b.WriteString(of)
		}
	}
	query = b.String()
	if query == "" {
		return "", false
	}
	if c.options.Parse != nil {
		if scalar, err := c.options.Parse(query); err != nil || !scalar {
			return "", false
		}
	}
	return query, true
}
