package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

var errDuplicateAlert = errors.New("vector contains metrics with the same labelset after applying alert labels")

// alertVariables are the variables that Prometheus defines for alert templates.
const alertVariables = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// alertState is the memory of an alerting rule. Nothing is sent anywhere: an
// alert shows as the series ALERTS and ALERTS_FOR_STATE.
type alertState struct {
	hold, keepFiring int64
	// active are the pending and firing alerts by their labels.
	active map[string]*activeAlert
}

type activeAlert struct {
	labels, annotations labels.Labels
	since               int64
	firing              bool
	// quiet says that a firing alert's condition has ended, at quietSince.
	quiet      bool
	quietSince int64
}

func newAlertState(hold, keepFiring time.Duration) *alertState {
	return &alertState{hold: hold.Milliseconds(), keepFiring: keepFiring.Milliseconds(), active: map[string]*activeAlert{}}
}

// alerts updates the rule's alerts from the expression's result and returns the
// samples that describe them.
func (p *Prometheus) alerts(g *ruleGroup, r *rule, vector promql.Vector) (promql.Vector, error) {
	now := g.next
	raised := map[string]Alert{}
	for _, s := range vector {
		alert := p.alertOf(r, s, now)
		key := alert.Labels.String()
		if _, ok := raised[key]; ok {
			return nil, errDuplicateAlert
		}
		raised[key] = alert
	}
	r.alert.update(raised, now)
	if g.limit > 0 && len(r.alert.active) > g.limit {
		n := len(r.alert.active)
		clear(r.alert.active)
		return nil, fmt.Errorf("exceeded limit of %d with %d alerts", g.limit, n)
	}
	return r.alertSamples(), nil
}

// update starts, promotes and ends alerts.
func (a *alertState) update(raised map[string]Alert, now int64) {
	for key, alert := range raised {
		if a.active[key] == nil {
			a.active[key] = &activeAlert{labels: alert.Labels, since: now}
		}
		a.active[key].annotations = alert.Annotations
	}
	for key, alert := range a.active {
		if _, ok := raised[key]; ok {
			alert.quiet = false
		} else if !a.keeps(alert, now) {
			delete(a.active, key)
			continue
		}
		alert.firing = alert.firing || now-alert.since >= a.hold
	}
}

// keeps says whether an alert whose condition has ended goes on firing.
func (a *alertState) keeps(alert *activeAlert, now int64) bool {
	if !alert.firing || a.keepFiring == 0 {
		return false
	}
	if !alert.quiet {
		alert.quiet, alert.quietSince = true, now
	}
	return now-alert.quietSince < a.keepFiring
}

func (r *rule) alertSamples() promql.Vector {
	var out promql.Vector
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, key := range slices.Sorted(maps.Keys(r.alert.active)) {
		alert := r.alert.active[key]
		b.Reset(r.labels)
		alert.labels.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		b.Set(labels.MetricName, "ALERTS_FOR_STATE")
		out = append(out, promql.Sample{Metric: b.Labels(), F: float64(alert.since / 1000)})
		state := "pending"
		if alert.firing {
			state = "firing"
		}
		b.Set(labels.MetricName, "ALERTS")
		b.Set("alertstate", state)
		out = append(out, promql.Sample{Metric: b.Labels(), F: 1})
	}
	return out
}

// An Alert is one that an alerting rule has raised. Its labels are those of the sample
// and of the rule, with alertname; its annotations those of the rule.
type Alert struct {
	Labels, Annotations labels.Labels
}

// Firing returns the alerts of all rules of a name that are firing, in the order of
// the rules. They have annotations if Options.Annotations says so.
func (p *Prometheus) Firing(name string) []Alert {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Alert
	for _, g := range p.rules {
		for _, r := range g.rules {
			if r.alert == nil || r.name != name {
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(r.alert.active)) {
				if alert := r.alert.active[key]; alert.firing {
					out = append(out, Alert{alert.labels, alert.annotations})
				}
			}
		}
	}
	return out
}

// alertOf is the alert of a sample, with templates expanded.
func (p *Prometheus) alertOf(r *rule, s promql.Sample, now int64) Alert {
	b := labels.NewBuilder(s.Metric)
	b.Del(labels.MetricName)
	data := template.AlertTemplateData(s.Metric.Map(), p.options.ExternalLabels, p.options.ExternalURL, s)
	r.labels.Range(func(l labels.Label) { b.Set(l.Name, p.expand(r, l.Value, data, now)) })
	b.Set(labels.AlertName, r.name)
	annotations := labels.NewBuilder(labels.EmptyLabels())
	r.annotations.Range(func(l labels.Label) { annotations.Set(l.Name, p.expand(r, l.Value, data, now)) })
	return Alert{b.Labels(), annotations.Labels()}
}

func (p *Prometheus) expand(r *rule, text string, data any, now int64) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	query := func(_ context.Context, expr string, at time.Time) (promql.Vector, error) {
		return p.ruleVector(expr, at.UnixMilli())
	}
	text = alertVariables + text
	expanded, err := template.NewTemplateExpander(context.Background(), text, "__alert_"+r.name, data, model.Time(now), query, nil, nil).Expand()
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return expanded
}
