package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
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
		T     float64
		Value *float64
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
	// Zero is the time of day at 0, where a trigger asks for it.
	Zero string
}

// kedaStart is when the scenarios begin, in the time of the cases; every slot
// is 15 s. KEDA's operator took up to 20 s more to see a new ScaledObject.
const kedaStart = -15

// late is how far a step may lie from KEDA's: a polling interval of 5 s and a sync
// of HPA of 15 s.
const late = 20

// settled is when what KEDA was late to see at the start is over.
const settled = 45

// unseen are cases with activity that lies between two slots, which KEDA's faster
// polls see: the counts are the same, the cooldown ends sooner.
var unseen = map[string]bool{"activation-stab0": true}

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
		for t := float64(kedaStart); t < c.end(); t += 5 {
			value, set := "0", false
			for _, in := range c.Inputs {
				if in.Input != name || set && in.T > t+0.5 {
					continue
				}
				value, set = "stale", true
				if in.Value != nil {
					value = fmt.Sprint(*in.Value)
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
	return end + 90
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
	return zero.Add(kedaStart * time.Second)
}

// edits are the annotations, as the result of a conversion has them.
func (c *kedaCase) edits() string {
	ours := map[string]string{"paused-replicas": "paused"}
	var b strings.Builder
	for _, a := range c.Annotations {
		key, value := cmp.Or(ours[a.Key], a.Key), cmp.Or(a.Value, "null")
		fmt.Fprintf(&b, "  - {at: %ds, set: 'metadata.annotations.autoscaling\\.karpenter\\.sh/%s=%s'}\n", int(a.T-kedaStart), key, value)
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
		fmt.Fprintf(&b, "  - {at: %ds, for: %ds, metrics: down, query: '%s'}\n", int(o.From-kedaStart), int(to-o.From), o.Query)
	}
	return b.String()
}

// TestKEDA plays ScaledObjects as they are converted: the same counts in the same
// order, each within one polling interval and one sync of HPA.
func TestKEDA(t *testing.T) {
	text, err := os.ReadFile("testdata/keda.jsonl")
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
`, c.start(t).Format(time.RFC3339), 15*int(math.Ceil((c.end()-kedaStart)/15)), c.Name, c.StartReplicas, c.series(), c.faults(), c.edits(), c.ScaledObject))
	if err := LeftOut(Adopt(file.Manifests, convert.Options{})); err != nil {
		t.Fatal(err)
	}
	in, autoscalers := openFile(t, file)
	var decisions bytes.Buffer
	if _, err := in.Play(t.Context(), autoscalers, Options{Journal: &decisions}); err != nil {
		t.Fatal(err)
	}
	var got, want []string
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
		if line.Record.Desired != last {
			last = line.Record.Desired
			got, when = append(got, fmt.Sprint(last)), append(when, float64(int64(line.Record.Slot)-start+kedaStart))
		}
	}
	last = c.StartReplicas
	for _, o := range c.Observed {
		if o.Replicas == last {
			continue
		}
		last = o.Replicas
		allowed := float64(late)
		if len(want) == 0 || o.T < settled {
			allowed += 20
		}
		if i := len(want); i < len(when) && math.Abs(when[i]-o.T) > allowed && !unseen[c.Name] {
			t.Errorf("%d at %g s, KEDA at %g s", last, when[i], o.T)
		}
		want = append(want, fmt.Sprint(last))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-KEDA +got) at %v:\n%s", when, diff)
	}
}
