package ruletest

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// readAlerts reads one element of alert_rule_test.
func (l *loader) readAlerts(t *Test, n *yaml.Node, at string) {
	fields := l.fields(n, at, []string{"eval_time", "alertname", "exp_alerts"})
	c := alertCase{name: l.text(fields["alertname"], at+".alertname"), at: l.evalTime(fields, at), place: l.place(n)}
	if c.name == "" {
		l.fail(n, at+".alertname", "required: the name of an alerting rule")
	}
	for k, n := range l.list(fields["exp_alerts"], at+".exp_alerts") {
		at := fmt.Sprintf("%s.exp_alerts[%d]", at, k)
		fields := l.fields(n, at, []string{"exp_labels", "exp_annotations"})
		expected := map[string]string{}
		if n := fields["exp_labels"]; n != nil {
			expected = l.texts(n, at+".exp_labels")
		}
		expected[labels.AlertName] = c.name
		annotations := map[string]string{}
		if n := fields["exp_annotations"]; n != nil {
			annotations = l.texts(n, at+".exp_annotations")
		}
		c.expected = append(c.expected, fake.Alert{Labels: labels.FromMap(expected), Annotations: labels.FromMap(annotations)})
	}
	t.alerts = append(t.alerts, c)
}

// readExpression reads one element of promql_expr_test.
func (l *loader) readExpression(t *Test, n *yaml.Node, at string) {
	fields := l.fields(n, at, []string{"expr", "eval_time", "exp_samples"})
	c := expressionCase{text: l.text(fields["expr"], at+".expr"), at: l.evalTime(fields, at), place: l.place(n)}
	expr, err := l.file.features.Parser().ParseExpr(c.text)
	if fields["expr"] != nil {
		n = fields["expr"]
	}
	var list parser.ParseErrors
	switch {
	case errors.As(err, &list) && len(list) > 0:
		l.fail(n, at+".expr", "PromQL, character %d: %v", list[0].PositionRange.Start+1, list[0].Err)
	case err != nil:
		l.fail(n, at+".expr", "PromQL: %v", err)
	case expr.Type() != parser.ValueTypeVector && expr.Type() != parser.ValueTypeScalar:
		l.fail(n, at+".expr", "the expression gives a %s; want an instant vector or a scalar", parser.DocumentedType(expr.Type()))
	}
	for k, n := range l.list(fields["exp_samples"], at+".exp_samples") {
		c.expected = append(c.expected, l.sample(n, fmt.Sprintf("%s.exp_samples[%d]", at, k)))
	}
	t.expressions = append(t.expressions, c)
}

func (l *loader) evalTime(fields map[string]*yaml.Node, at string) time.Duration {
	if fields["eval_time"] == nil {
		return 0
	}
	d, _ := l.duration(fields["eval_time"], at+".eval_time")
	return d
}

// sample reads an expected sample: labels with a value or a native histogram.
func (l *loader) sample(n *yaml.Node, at string) sample {
	fields := l.fields(n, at, []string{"labels", "value", "histogram"})
	var s sample
	if n := fields["value"]; n != nil {
		l.decode(n, at+".value", &s.value, "a number")
	}
	p := l.file.features.Parser()
	text := l.text(fields["labels"], at+".labels")
	var err error
	if s.labels, err = parseLabels(p, text); err != nil {
		l.fail(n, at+".labels", "%q is no series; want a name with labels such as 'requests{lb=\"x\"}', or '{lb=\"x\"}'", text)
	}
	if h := l.text(fields["histogram"], at+".histogram"); h != "" {
		_, values, err := p.ParseSeriesDesc("{} " + h)
		if err != nil || len(values) != 1 || values[0].Histogram == nil {
			l.fail(n, at+".histogram", "%q is no native histogram; want one such as {{schema:0 sum:5 count:4 buckets:[1 2 1]}}", h)
			return s
		}
		s.histogram = values[0].Histogram.TestExpression()
	}
	return s
}

// parseLabels reads labels, of which there may be none.
func parseLabels(p parser.Parser, text string) (labels.Labels, error) {
	if text == "" {
		return labels.EmptyLabels(), nil
	}
	return p.ParseMetric(text)
}
