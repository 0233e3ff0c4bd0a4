package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// A kedaCase is what KEDA 2.21 and its HPA did to a Deployment, second by second.
type kedaCase struct {
	Name          string
	ScaledObject  json.RawMessage
	StartReplicas int32
	Inputs        []struct {
		T float64
		// Value is a number, "NaN" or "Inf", and nil where the series ends.
		Value any
		// Input is the series: load of the case's name if empty; cpu_percent is what
		// each pod uses of its request.
		Input string
	}
	Observed []struct {
		T        float64
		Replicas int32
	}
	// Outages are of the server of the trigger with a query; to 0 is to the end.
	Outages []struct {
		Query    string
		From, To float64
	}
	// Annotations are set on the ScaledObject, or taken away without a value.
	Annotations []struct {
		T          float64
		Key, Value string
	}
	// ByHand are counts that somebody sets.
	ByHand []struct {
		T        float64
		Replicas int32
	}
	// Zero is the time of day at 0, where a trigger asks for it.
	Zero string
	// Differs says why this project's counts are others on purpose, those in Ours, or
	// come at other times.
	Differs string
	Ours    []int32
}

// kedaStart is when the scenarios begin, in the time of the cases; every slot
// is 15 s. KEDA's operator took up to 20 s more to see a new ScaledObject.
const kedaStart = -15

// late is how far a step may lie from KEDA's: a polling interval of 5 s and a sync
// of HPA of 15 s.
const late = 20

// settled is when what KEDA was late to see at the start is over.
const settled = 45

// series are the loads of a case, every 5 s.
func (c *kedaCase) series() string {
	names, courses := []string{}, map[string][]string{}
	for _, in := range c.Inputs {
		if courses[in.Input] == nil {
			names, courses[in.Input] = append(names, in.Input), []string{}
		}
	}
	var b strings.Builder
	for _, name := range names {
		series := name
		if series == "" {
			series = fmt.Sprintf("load{app=%q}", c.Name)
		}
		var values []string
		for t := c.begin(); t < c.end(); t += 5 {
			value := "0"
			for _, in := range c.Inputs {
				if in.Input != name || in.T > t+0.5 {
					continue
				}
				value = "stale"
				if in.Value != nil {
					value = fmt.Sprint(in.Value)
				}
			}
			values = append(values, value)
		}
		fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", series, strings.Join(values, " "))
	}
	return b.String()
}

func (c *kedaCase) end() float64 {
	end := c.Observed[len(c.Observed)-1].T
	for _, in := range c.Inputs {
		end = max(end, in.T)
	}
	for _, o := range c.Outages {
		end = max(end, o.To)
	}
	for _, a := range c.Annotations {
		end = max(end, a.T)
	}
	for _, h := range c.ByHand {
		end = max(end, h.T)
	}
	return end + 90
}

// begin is when the scenario begins, in the time of the case: a second after the object
// was created, of those of the first minute at kedaStart.
func (c *kedaCase) begin() float64 {
	if created := c.Observed[0].T; created > 0 {
		return math.Round(created) + 1
	}
	return kedaStart
}

// start is the instant at which the scenario begins.
func (c *kedaCase) start(t *testing.T) time.Time {
	if c.Zero == "" {
		return time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	}
	zero, err := time.Parse(time.DateTime, "2026-01-05 "+c.Zero)
	if err != nil {
		t.Fatal(err)
	}
	return zero.Add(time.Duration(c.begin()) * time.Second)
}

// edits are the annotations, as the result of a conversion has them, and the counts
// that somebody sets.
func (c *kedaCase) edits() string {
	ours := map[string]string{"paused-replicas": "paused"}
	var b strings.Builder
	for _, a := range c.Annotations {
		if a.Key == "force-activation" { // what the conversion makes of it
			set := "spec.zero=null,spec.metrics[0].activation=null"
			if a.Value == "" {
				set = "spec.zero.cooldownSeconds=30,spec.metrics[0].activation=0"
			}
			fmt.Fprintf(&b, "  - {at: %ds, set: '%s'}\n", int(a.T-c.begin()), set)
			continue
		}
		key, value := cmp.Or(ours[a.Key], a.Key), cmp.Or(a.Value, "null")
		fmt.Fprintf(&b, "  - {at: %ds, set: 'metadata.annotations.autoscaling\\.karpenter\\.sh/%s=%s'}\n", int(a.T-c.begin()), key, value)
	}
	for _, h := range c.ByHand {
		fmt.Fprintf(&b, "  - {at: %ds, object: shop/deploy/%s, set: spec.replicas=%d}\n", int(h.T-c.begin()), c.Name, h.Replicas)
	}
	return b.String()
}

// faults are the outages.
func (c *kedaCase) faults() string {
	var b strings.Builder
	for _, o := range c.Outages {
		to := o.To
		if to == 0 {
			to = c.end()
		}
		fmt.Fprintf(&b, "  - {at: %ds, for: %ds, metrics: down, query: '%s'}\n", int(o.From-c.begin()), int(to-o.From), o.Query)
	}
	return b.String()
}

// kedaRecording is what TestKEDA reads; make keda-check gives another one.
var kedaRecording = flag.String("keda", "testdata/keda.jsonl", "ScaledObjects and what KEDA made of them, for TestKEDA")

// TestKEDA plays ScaledObjects as they are converted: the same counts in the same
// order, each within one polling interval and one sync of HPA.
func TestKEDA(t *testing.T) {
	text, err := os.ReadFile(*kedaRecording)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var c kedaCase
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.Name, func(t *testing.T) { c.play(t) })
	}
}

// queries give what cpu triggers read.
func (c *kedaCase) queries() map[string]string {
	for _, in := range c.Inputs {
		if in.Input == "cpu_percent" {
			return map[string]string{"cpu": "cpu_percent / 100"}
		}
	}
	return nil
}

func (c *kedaCase) play(t *testing.T) {
	file := loadText(t, fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: keda}
spec:
  seed: 1
  start: %q
  duration: %ds
  interval: 5s
  controller: {phase: aligned}
  prometheus: {scrapeInterval: 5s}
  targets: [{kind: Deployment, namespace: shop, name: %s, replicas: %d, readyAfter: 1s}]
  inputSeries:
%s  faults:
%s  edits:
%s---
%s
`, c.start(t).Format(time.RFC3339), 15*int(math.Ceil((c.end()-c.begin())/15)), c.Name, c.StartReplicas, c.series(), c.faults(), c.edits(), c.ScaledObject))
	if err := LeftOut(Adopt(file.Manifests, convert.Options{Queries: c.queries()})); err != nil {
		t.Fatal(err)
	}
	in, autoscalers := openFile(t, file)
	var decisions bytes.Buffer
	if _, err := in.Play(t.Context(), autoscalers, Options{Journal: &decisions}); err != nil {
		t.Fatal(err)
	}
	var got []int32
	var when []float64
	last, start := c.StartReplicas, int64(0)
	for r := journal.NewReader(&decisions, "decisions.jsonl"); ; {
		line, err := r.Next()
		if err != nil {
			break
		}
		if line.Record == nil || line.Record.Kind != journal.HorizontalAutoscaler {
			continue
		}
		if start == 0 {
			start = int64(line.Record.Slot)
		}
		if line.Record.Scale.Spec != last {
			last = line.Record.Scale.Spec // by hand
		}
		if line.Record.Desired != last {
			last = line.Record.Desired
			got, when = append(got, last), append(when, float64(int64(line.Record.Slot)-start)+c.begin())
		}
	}
	var want []int32
	for i, step := range c.steps() {
		want = append(want, step.replicas)
		allowed := float64(late)
		if i == 0 || step.t < settled {
			allowed += 20
		}
		if i < len(when) && math.Abs(when[i]-step.t) > allowed && c.Differs == "" {
			t.Errorf("%d at %g s, KEDA at %g s", step.replicas, when[i], step.t)
		}
	}
	if c.Ours != nil {
		want = c.Ours
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got) at %v:\n%s\n%s", when, diff, c.Differs)
	}
}

// A kedaStep is a count that KEDA or its HPA set.
type kedaStep struct {
	t        float64
	replicas int32
}

// steps are those that were observed, without what was set by hand. A count by hand
// that no reading shows was put back at once.
func (c *kedaCase) steps() []kedaStep {
	var steps []kedaStep
	hand, last := c.ByHand, c.StartReplicas
	byHand := func(until float64) {
		for ; len(hand) > 0 && hand[0].T < until; hand = hand[1:] {
			steps = append(steps, kedaStep{hand[0].T, last})
		}
	}
	for _, o := range c.Observed {
		if len(hand) > 0 && hand[0].T <= o.T && o.T <= hand[0].T+1 && hand[0].Replicas == o.Replicas {
			hand, last = hand[1:], o.Replicas
			continue
		}
		byHand(o.T)
		if o.Replicas != last {
			last = o.Replicas
			steps = append(steps, kedaStep{o.T, last})
		}
	}
	byHand(math.Inf(1))
	return steps
}
