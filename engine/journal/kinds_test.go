package journal

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

var workers = Object{ScalableNodeGroup, "default", "workers"}

// A groupRun makes the records of one node group, as the driver does.
type groupRun struct {
	policy *policy.NodeGroup // nil while the spec is invalid
	state  nodegroup.State
	text   string
	slot   slot.Slot
}

func newGroupRun() *groupRun {
	return &groupRun{policy: &policy.NodeGroup{Type: "FakeGroup", ID: "workers"}, slot: start}
}

// decide makes the record of the next slot; resize is what a command fails with.
func (r *groupRun) decide(spec *int32, group nodegroup.Group, resize observation.Code) *Record {
	named := Digest([]byte(r.text))
	record := &Record{Object: workers, Generation: 1, Slot: r.slot, Prev: named, State: named, StateBody: r.text}
	r.slot += 10
	if r.policy == nil {
		record.Reason = autoscaler.InvalidPolicy
		return record
	}
	record.PolicyBody = string(r.policy.Encode())
	record.Policy = policy.Digest([]byte(record.PolicyBody))
	in := &nodegroup.Input{Name: "default/workers", Generation: 1, Slot: record.Slot, Spec: spec, Group: group}
	var d nodegroup.Decision
	r.state, d = nodegroup.Step(r.policy, r.state, in)
	if !d.Command || r.policy.DryRun {
		resize = observation.OK
	}
	if resize != observation.OK {
		r.state = r.state.Failed(in.Name, resize)
	}
	record.DecideGroup(r.policy, in, &d, resize)
	text, _ := r.state.MarshalText()
	r.text, record.State = string(text), Digest(text)
	return record
}

func size(n int32) *int32 { return &n }

// groupStory has every kind of slot.
func groupStory() []*Record {
	r := newGroupRun()
	records := []*Record{
		r.decide(nil, nodegroup.Group{Desired: 3, Ready: 3, Max: -1}, ""),
		r.decide(size(8), nodegroup.Group{Desired: 3, Ready: 3, Min: 1, Max: 6, Issue: observation.InProgress}, observation.Throttled),
		r.decide(size(8), nodegroup.Group{Desired: 3, Ready: 3, Min: 1, Max: 6}, ""),
		r.decide(size(8), nodegroup.Group{Desired: 3, Ready: 3, Min: 1, Max: 6}, ""),
		r.decide(size(8), nodegroup.Group{Code: observation.Unavailable}, ""),
		r.decide(size(8), nodegroup.Group{Desired: -1, Max: -1}, ""),
		r.decide(size(8), nodegroup.Group{Desired: 6, Ready: 0, Min: 1, Max: 6}, ""),
	}
	r.policy = nil
	records = append(records, r.decide(nil, nodegroup.Group{}, ""))
	r.policy = &policy.NodeGroup{Type: "FakeGroup", ID: "workers", DryRun: true}
	return append(records, r.decide(size(2), nodegroup.Group{Desired: 6, Ready: 6, Max: 0}, ""))
}

// officeRecord is the record of a schedule at some hour of Berlin's day.
func officeRecord(at slot.Slot) *Record {
	p := &policy.Producer{Schedule: &policy.Schedule{Timezone: "Europe/Berlin", Default: 1, Behaviors: []policy.Behavior{{Replicas: 5,
		Start: policy.Pattern{Minutes: []int{0}, Hours: []int{9}}, End: policy.Pattern{Minutes: []int{0}, Hours: []int{17}}}}}}
	s, _ := producer.NewSchedule(p.Schedule)
	return producerRecord(at, p, nil, producer.ScheduleGauges(s.Value(at)))
}

func producerRecord(at slot.Slot, p *policy.Producer, observed []Field, gauges []producer.Gauge) *Record {
	body := string(p.Encode())
	return &Record{
		Object: Object{MetricsProducer, "default", "office"}, Generation: 1, Slot: at, Policy: policy.Digest([]byte(body)), PolicyBody: body,
		Observed: observed, Value: GaugeFields(gauges), Reason: autoscaler.Unchanged, Prev: Digest(nil), State: Digest(nil),
	}
}

func TestVerifyKinds(t *testing.T) {
	queue := &policy.Producer{Queue: &policy.Queue{Type: "AWSSQSQueue", ID: "q"}}
	cases := map[string]struct {
		reason  string
		records []*Record
		tamper  func(records []*Record) // before they are sealed
		want    string                  // part of the difference
	}{
		"Groups":    {"every kind of slot", groupStory(), nil, ""},
		"Schedules": {"over the hours", []*Record{officeRecord(start), officeRecord(start + 5), officeRecord(start + 9*3600)}, nil, ""},
		"Queues": {"what no journal holds is taken as it is", []*Record{producerRecord(start, queue, []Field{{Name: "visible", Value: 7}}, []producer.Gauge{{Name: producer.QueueLength, Value: 7}}),
			producerRecord(start+5, queue, nil, []producer.Gauge{{Name: "x", Value: math.NaN()}, {Name: "y", Value: math.Inf(1)}})}, nil, ""},
		"Observed": {"another number of nodes", groupStory(), func(r []*Record) { r[2].Observed[1].Value = 6 }, "j:3: decided again, the record differs"},
		"Ready":    {"ready nodes decide nothing, and are covered by the digest alone", groupStory(), func(r []*Record) { r[6].Observed[2].Value = 5 }, ""},
		"Command":  {"another command", groupStory(), func(r []*Record) { r[1].Command = size(7) }, "j:2: decided again, the record differs"},
		"Failure":  {"another failure", groupStory(), func(r []*Record) { r[1].Observed[6].Code = observation.Forbidden }, "j:2: decided again, the record differs"},
		"Reason":   {"another reason", groupStory(), func(r []*Record) { r[7].Reason = autoscaler.Unchanged }, "j:8: decided again, the record differs"},
		"DryRun":   {"a dry run that was none", groupStory(), func(r []*Record) { r[8].DryRun = false }, "j:9: decided again, the record differs"},
		"State":    {"another state", groupStory(), func(r []*Record) { r[0].StateBody = "1 1 1 1 1 1 -" }, "j:1: stateBody has digest"},
		"Policy":   {"another policy", groupStory(), func(r []*Record) { r[0].PolicyBody = `{"type":"FakeGroup","id":"others"}` }, "j:1: policyBody has digest"},
		"Value":    {"another value", []*Record{officeRecord(start)}, func(r []*Record) { r[0].Value[0].Value = 6 }, "j:1: decided again, the record differs"},
		"Slot":     {"another hour", []*Record{officeRecord(start)}, func(r []*Record) { r[0].Slot += 9 * 3600 }, "j:1: decided again, the record differs"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.tamper != nil {
				c.tamper(c.records)
			}
			found, err := Verify(bytes.NewReader(writtenBy(t, c.records...)), "j")
			if c.want == "" {
				if err != nil || found.Verified != len(c.records) {
					t.Errorf("%s: %+v: %v", c.reason, found, err)
				}
				return
			}
			var difference *Difference
			if !errors.As(err, &difference) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

// A lost line is a gap, and what follows is verified once the state is known again.
func TestLostLinesOfKinds(t *testing.T) {
	for _, c := range []struct {
		reason       string
		records      []*Record
		lose         int
		verified     int
		unverifiable int
	}{
		{"the state after a lost command is unknown", groupStory()[:4], 1, 1, 2},
		{"the policy stood in the lost line", []*Record{officeRecord(start), officeRecord(start + 5)}, 0, 0, 1},
		{"a schedule has no state to lose", []*Record{officeRecord(start), officeRecord(start + 5), officeRecord(start + 10)}, 1, 2, 0},
	} {
		lines := bytes.SplitAfter(writtenBy(t, c.records...), []byte("\n"))
		lines = append(lines[:c.lose], lines[c.lose+1:]...)
		found, err := Verify(bytes.NewReader(bytes.Join(lines, nil)), "j")
		if err != nil || found.Gaps != 1 || found.Verified != c.verified || found.Unverifiable != c.unverifiable {
			t.Errorf("%s: %+v: %v", c.reason, found, err)
		}
	}
}

// What a step saw can be read back from its record.
func TestGroupInputRoundTrip(t *testing.T) {
	codes := []observation.Code{"", observation.InProgress, observation.LimitReached}
	rapid.Check(t, func(t *rapid.T) {
		in := &nodegroup.Input{Name: "default/workers", Generation: 4, Slot: start, Group: nodegroup.Group{Max: -1}}
		if rapid.Bool().Draw(t, "spec given") {
			in.Spec = size(rapid.Int32().Draw(t, "spec"))
		}
		if code := rapid.SampledFrom([]observation.Code{"", "", observation.NotFound}).Draw(t, "code"); code != observation.OK {
			in.Group.Code = code
		} else {
			in.Group = nodegroup.Group{
				Desired: rapid.Int32().Draw(t, "desired"), Ready: rapid.Int32().Draw(t, "ready"), Min: rapid.Int32().Draw(t, "min"),
				Max: rapid.Int32Range(-1, math.MaxInt32).Draw(t, "max"), Issue: rapid.SampledFrom(codes).Draw(t, "trouble"),
			}
		}
		resize := rapid.SampledFrom(codes).Draw(t, "resize")
		if in.Group.Code != observation.OK {
			resize = observation.OK
		}
		r := &Record{Object: workers, Generation: 4, Slot: start, Bodies: true}
		r.DecideGroup(&policy.NodeGroup{}, in, &nodegroup.Decision{}, resize)
		text, _ := Append(nil, r)
		line, err := NewReader(bytes.NewReader(text), "j").Next()
		if err != nil {
			t.Fatal(err)
		}
		got, gotResize := line.Record.GroupInput()
		if diff := cmp.Diff(in, got); diff != "" || gotResize != resize {
			t.Fatalf("resize %q, want %q (-want +got):\n%s", gotResize, resize, diff)
		}
	})
}

func TestGoldenGroupLine(t *testing.T) {
	records := groupStory()
	text, _ := Append(nil, records[1])
	want := `{"v":1,"kind":"ScalableNodeGroup","namespace":"default","name":"workers","generation":1,"slot":"2026-01-05T08:00:10Z","policy":"` + records[1].Policy +
		`","observed":{"spec":8,"desired":3,"ready":3,"min":1,"max":6,"trouble":"InProgress","resize":"Throttled"},"command":6,"reason":"Bounded","prev":"` + Digest(nil) + `"`
	if !strings.HasPrefix(string(text), want) {
		t.Errorf("got  %s\nwant %s...", text, want)
	}
}

// TestGroupSeries reads what is exported about a node group from its records.
func TestGroupSeries(t *testing.T) {
	type shown struct {
		Ready   float64 // -1 where it is not shown
		Trouble observation.Code
		Failed  observation.Code
	}
	want := []shown{
		{3, "", ""}, {3, observation.InProgress, ""}, {3, "", ""}, {3, "", ""},
		{-1, "", observation.Unavailable}, {-1, "", observation.Negative}, {0, "", ""},
		{-1, "", ""}, // an invalid spec: nobody was asked
		{6, "", ""},
	}
	var got []shown
	for _, r := range groupStory() {
		gauges, trouble := r.GroupGauges()
		ready, known := gauges[nodegroup.ReadyReplicas]
		if !known {
			ready = -1
		}
		got = append(got, shown{ready, trouble, r.Failed()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
