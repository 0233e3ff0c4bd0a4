package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// spike is the contract's example, without what refers to other files.
const spike = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata:
  name: queue-spike
spec:
  description: A backlog doubles at 10m; nodes follow within two minutes, one reversal at most.
  seed: 42
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  controller:
    phase: aligned
    queryOffset: 0s
  prometheus:
    scrapeInterval: 15s
    ingestDelay: 0s
    lookbackDelta: 5m
    evaluationInterval: 15s
  interval: 15s
  inputSeries:
    - series: 'queue_length{queue="jobs"}'
      values: '40x39 80x199'
  recordings:
    - file: recordings/web.csv
      format: csv
      time: {column: timestamp, layout: "2006-01-02 15:04:05"}
      series: {value: 'requests_per_5m{lb="x"}'}
      shift: toStart
      scale: 1
  targets:
    - {apiVersion: apps/v1, kind: Deployment, namespace: default, name: web, replicas: 5}
  nodeGroups: []
  workloads: []
  queues: []
  faults: []
  variants: []
  expect:
    - {name: scaled, at: 20m, expr: 'kube_deployment_spec_replicas{deployment="web"} >= 20'}
    - {name: bounded, always: 'kube_deployment_spec_replicas <= 40'}
    - {name: settles, eventually: 'kube_deployment_spec_replicas == 20', after: 10m, within: 5m, for: 10m}
    - {name: calm, report: 'reversals <= 1'}
    - {name: golden, decisions: {digest: ""}}
`

func TestParse(t *testing.T) {
	s, err := ParseText("s.yaml", []byte(spike))
	if err != nil {
		t.Fatal(err)
	}
	minute := Duration(time.Minute)
	five, ten, twenty := 5*minute, 10*minute, 20*minute
	replicas, one := int32(5), 1.0
	want := &Scenario{
		APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: "queue-spike"},
		Spec: Spec{
			Description: "A backlog doubles at 10m; nodes follow within two minutes, one reversal at most.",
			Seed:        42,
			Start:       Time{time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)},
			Duration:    60 * minute,
			Controller:  Controller{Phase: Aligned},
			Prometheus: Prometheus{
				ScrapeInterval: Duration(15 * time.Second), LookbackDelta: &five, EvaluationInterval: Duration(15 * time.Second),
			},
			Interval:    Duration(15 * time.Second),
			InputSeries: []InputSeries{{Series: `queue_length{queue="jobs"}`, Values: "40x39 80x199"}},
			Recordings: []Recording{{
				File: "recordings/web.csv", Format: CSV, Time: RecordingTime{Column: "timestamp", Layout: "2006-01-02 15:04:05"},
				Series: map[string]string{"value": `requests_per_5m{lb="x"}`}, Shift: ToStart, Scale: &one,
			}},
			Targets: []Target{{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web", Replicas: &replicas}},
			Expect: []Expectation{
				{Name: "scaled", At: &twenty, Expr: `kube_deployment_spec_replicas{deployment="web"} >= 20`},
				{Name: "bounded", Always: "kube_deployment_spec_replicas <= 40"},
				{Name: "settles", Eventually: "kube_deployment_spec_replicas == 20", After: &ten, Within: &five, For: &ten},
				{Name: "calm", Report: "reversals <= 1"},
				{Name: "golden", Decisions: &Decisions{}},
			},
		},
	}
	if diff := cmp.Diff(want, s, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	text := strings.Replace(base, "duration: 1h", "duration: 1h, targets: [{kind: StatefulSet, name: db}]", 1) + "}\n"
	s, err := ParseText("s.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	second := Duration(time.Second)
	want := Spec{
		Seed: 1, Start: s.Spec.Start, Duration: s.Spec.Duration,
		Controller: Controller{Phase: Hashed},
		Prometheus: Prometheus{ScrapeInterval: 15 * second, EvaluationInterval: 15 * second},
		Interval:   15 * second,
		Targets:    []Target{{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: "default", Name: "db"}},
	}
	if diff := cmp.Diff(want, s.Spec, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("defaults are filled in by Parse and by nobody else\n-want +got:\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	s, err := ParseText("s.yaml", []byte(spike))
	if err != nil {
		t.Fatal(err)
	}
	object := &v1alpha1.ScalableNodeGroup{}
	object.APIVersion, object.Kind = v1alpha1.GroupVersion.String(), "ScalableNodeGroup"
	object.Name, object.UID, object.Status.Reason = "nodes", "1-2-3", "ScaledUp"
	object.Spec.ID = "yes"
	text, err := Write(s, object)
	if err != nil {
		t.Fatal(err)
	}
	_, tail, _ := strings.Cut(string(text), "---\n")
	want := `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata:
  name: nodes
spec:
  type: ""
  id: "yes"
`
	fields := func(s string) map[string]bool {
		m := map[string]bool{}
		for line := range strings.Lines(s) {
			m[line] = true
		}
		return m
	}
	if diff := cmp.Diff(fields(want), fields(tail)); diff != "" {
		t.Errorf("objects stand inline, without what the API server wrote\n-want +got:\n%s", diff)
	}
	again, err := Write(s, object)
	if err != nil || string(again) != string(text) {
		t.Errorf("the same scenario gives the same bytes (%v)", err)
	}
	s.Metadata.Name = "no/name"
	if _, err := Write(s); err == nil || !strings.HasPrefix(err.Error(), "write scenario no/name: scenario.yaml:4:9: metadata.name: ") {
		t.Errorf("a scenario that could not be read is not written, got %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		text, err := Write(s)
		if err != nil {
			t.Fatal(err)
		}
		first, err := ParseText("s.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		s.APIVersion, s.Kind = APIVersion, Kind
		s.Spec.fillDefaults()
		if diff := cmp.Diff(s, first, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a written scenario is read as it was\n-want +got:\n%s\n%s", diff, text)
		}
	})
}

// drawScenario draws a valid scenario.
func drawScenario(t *rapid.T) *Scenario {
	duration := func(label string, least, most int64) Duration {
		return Duration(time.Duration(rapid.Int64Range(least, most).Draw(t, label)) * time.Millisecond)
	}
	optional := func(label string) *Duration {
		if !rapid.Bool().Draw(t, label+"?") {
			return nil
		}
		d := duration(label, 1, 1000)
		return &d
	}
	s := &Scenario{Metadata: Metadata{Name: rapid.StringMatching(`[a-z0-9]([a-z0-9._-]{0,9}[a-z0-9])?`).Draw(t, "name")}}
	s.Spec = Spec{
		Description: rapid.String().Draw(t, "description"),
		Seed:        rapid.Int64().Draw(t, "seed"),
		Start:       Time{time.Unix(rapid.Int64Range(0, 6_000_000_000).Draw(t, "start"), 0).UTC()},
		Duration:    duration("duration", 10_000, 1<<40),
		Controller:  Controller{Phase: rapid.SampledFrom([]Phase{"", Aligned, Hashed}).Draw(t, "phase"), QueryOffset: duration("offset", 0, 1000)},
		Prometheus:  Prometheus{ScrapeInterval: duration("scrape", 0, 1000), LookbackDelta: optional("lookback")},
		Manifests:   rapid.SliceOfNDistinct(rapid.StringN(1, 9, -1), 0, 3, rapid.ID).Draw(t, "manifests"),
	}
	if rapid.Bool().Draw(t, "replay") {
		scale := rapid.Float64Range(1e-9, 1e9).Draw(t, "scale")
		s.Spec.Replay = &Replay{
			OpenLoop: rapid.Bool().Draw(t, "open"), Scale: &scale, ReadyAfter: &StartUp{Recorded: rapid.Bool().Draw(t, "recorded")},
			Demand: "sum(up)", Capacity: &scale, Replicas: map[string]string{"deploy/web": `up{a="yes"}`},
		}
	}
	if rapid.Bool().Draw(t, "variant") {
		s.Spec.Variants = []Variant{{Name: "v", Set: rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "set")}}
	}
	s.Spec.Expect = []Expectation{
		{Name: "a", Always: "up", From: optional("from")},
		{Name: "b", Eventually: "up == 1", After: optional("after"), Within: optional("within"), For: optional("for")},
	}
	return s
}

func TestAssignments(t *testing.T) {
	cases := map[string]struct {
		reason, text string
		want         Assignments
	}{
		"String":  {"one string may hold several", "'spec.a=1,spec.b=2'", Assignments{"spec.a=1,spec.b=2"}},
		"List":    {"a list of strings", "[a=1, b=2]", Assignments{"a=1", "b=2"}},
		"Mapping": {"a mapping keeps the types, in the order of paths", `{b: "5", a: 5, d: null, c: true, e: 'x,"y\'}`, Assignments{"a=5", `b="5"`, "c=true", "d=null", `e="x,\"y\\"`}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Parse("s.yaml", []byte(base+"variants: [{name: v, set: "+tc.text+"}]}"))
			if err != nil {
				t.Fatal(err)
			}
			s, err := parse(docs[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, s.Spec.Variants[0].Set); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	cases := map[string]struct {
		reason, text string
		metric       string
		holds, fails float64
	}{
		"AtMost":   {"the common form", "reversals <= 1", "reversals", 1, 2},
		"Less":     {"strictly less", "reversals < 1", "reversals", 0, 1},
		"More":     {"strictly more", "x > -1", "x", 0, -1},
		"AtLeast":  {"with a fraction", "agreement >= 0.9", "agreement", 0.9, 0.89},
		"Equal":    {"exactly", "scale_ups == 3", "scale_ups", 3, 4},
		"Unequal":  {"anything but", "scale_ups != (0)", "scale_ups", 3, 0},
		"Duration": {"a duration is seconds, as in PromQL", "breach_seconds < 5m", "breach_seconds", 299, 300},
		"Labels":   {"labels select", `reversals{name="web"} <= 1`, "reversals", 1, 2},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := ParseCondition(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if c.Metric != tc.metric || !c.Holds(tc.holds) || c.Holds(tc.fails) || len(c.Matchers) != strings.Count(tc.text, "{") {
				t.Errorf("%s: %q is %+v", tc.reason, tc.text, c)
			}
		})
	}
}

func FuzzParseText(f *testing.F) {
	f.Add(spike)
	f.Add(named("a", `replay: {demand: "x", capacity: 1}, variants: [{name: b, set: {a: 1}}]`))
	f.Add(named("a", `inputSeries: [{series: 'a', values: '{{schema:0 sum:1 count:1 buckets:[1]}}x3 _x2 stale 1+1x4'}]`))
	f.Add(named("a", `expect: [{name: a, report: "x{a='b'} <= -1"}, {name: b, at: 1h, expr: "1"}]`))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseText("s.yaml", []byte(text))
		if err != nil {
			return
		}
		if _, err := Write(s); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
