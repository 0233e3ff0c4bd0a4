package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// seal closes a body, without its last brace, as Append does.
func seal(body string) string {
	sum := sha256.Sum256([]byte(body + "}"))
	return body + `,"digest":"` + hex.EncodeToString(sum[:]) + `"}`
}

// limitedRecord has every key that an autoscaler's record can have.
func limitedRecord() *Record {
	return &Record{
		Object: web, Generation: 3, Slot: start, Policy: "p1", PolicyBody: `{"min":1}`,
		Scale: autoscaler.Scale{Spec: 5, Status: 4, Ready: 2, Counted: true, Fewer: 2, More: 3},
		Metrics: []Metric{
			{Query: "a\"b\\c\n<&>", At: start - 15, Value: 41.5, Recommendation: 11},
			{Query: "busy", At: start - 15, Code: observation.Empty},
			{Query: "debt", At: start - 15, Code: observation.Negative, Value: -2},
			{Query: "gone", At: start - 15, Code: observation.Unavailable, Fallback: true, Recommendation: 6},
		},
		Recommending: true, Known: true, Recommended: 11, Stabilized: 10, Limited: 9, Desired: 9,
		Reason:    autoscaler.RateLimited,
		LimitedBy: behavior.Limit{Stage: behavior.Rate, Direction: behavior.Up, Policy: 0, Used: 0, Left: 4, Until: start + 60},
		Paused:    autoscaler.Pause{Down: true, Up: true, Until: start + 600, Unreadable: true},
		DryRun:    true, Prev: "s1", State: "s2", StateBody: "1 10/0", Bodies: true, Missed: 2, Chain: "c0",
	}
}

func TestGoldenLines(t *testing.T) {
	four := int32(4)
	cases := map[string]struct {
		reason string
		record *Record
		want   string // without digest
	}{
		"Everything": {"every key in its place", limitedRecord(),
			`{"v":1,"kind":"HorizontalAutoscaler","namespace":"default","name":"web","generation":3,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","policyBody":{"min":1},"scale":{"spec":5,"status":4,"ready":2,"readyLeast":0,"readyMost":5},"metrics":[` +
				`{"query":"a\"b\\c\u000a<&>","at":"2026-01-05T07:59:45Z","value":41.5,"recommendation":11},` +
				`{"query":"busy","at":"2026-01-05T07:59:45Z","error":"Empty"},` +
				`{"query":"debt","at":"2026-01-05T07:59:45Z","error":"Negative","value":-2},` +
				`{"query":"gone","at":"2026-01-05T07:59:45Z","error":"Unavailable","fallback":true,"recommendation":6}],` +
				`"recommended":11,"stabilized":10,"limited":9,"desired":9,"reason":"RateLimited",` +
				`"limitedBy":{"stage":"rate","direction":"up","policy":0,"used":0,"left":4,"until":"2026-01-05T08:01:00Z"},` +
				`"dryRun":true,"paused":{"scaleIn":true,"scaleOut":true,"unreadable":true,"until":"2026-01-05T08:10:00Z"},"prev":"s1","state":"s2","stateBody":"1 10/0","missed":2,"chain":"c0"`},
		"NoScale": {"without a scale there are no numbers after it", &Record{
			Object: web, Generation: 1, Slot: start, Policy: "p1", Scale: autoscaler.Scale{Code: observation.Forbidden},
			Metrics: []Metric{{Query: "m", At: start, Value: 1}}, Reason: autoscaler.TargetUnavailable, Prev: "s", State: "s"},
			`{"v":1,"kind":"HorizontalAutoscaler","namespace":"default","name":"web","generation":1,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","scale":{"error":"Forbidden"},"metrics":[{"query":"m","at":"2026-01-05T08:00:00Z","value":1}],` +
				`"reason":"TargetUnavailable","prev":"s","state":"s","chain":""`},
		"Held": {"missing metrics recommend nothing, the count is held", &Record{
			Object: web, Generation: 1, Slot: start, Policy: "p1", Scale: autoscaler.Scale{Spec: 5, Status: 5},
			Known: true, Stabilized: 5, Limited: 5, Desired: 5, Reason: autoscaler.MetricsUnavailable, Prev: "s", State: "s"},
			`{"v":1,"kind":"HorizontalAutoscaler","namespace":"default","name":"web","generation":1,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","scale":{"spec":5,"status":5},"metrics":[],"stabilized":5,"limited":5,"desired":5,` +
				`"reason":"MetricsUnavailable","prev":"s","state":"s","chain":""`},
		"Bounded": {"bounds have no policy, budget or end", &Record{
			Object: web, Generation: 1, Slot: start, Policy: "p1", Known: true, Reason: autoscaler.Bounded,
			LimitedBy: behavior.Limit{Stage: behavior.Bounds, Direction: behavior.Down, Policy: -1}, Prev: "s", State: "s"},
			`{"v":1,"kind":"HorizontalAutoscaler","namespace":"default","name":"web","generation":1,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","scale":{"spec":0,"status":0},"metrics":[],"stabilized":0,"limited":0,"desired":0,` +
				`"reason":"Bounded","limitedBy":{"stage":"bounds","direction":"down"},"prev":"s","state":"s","chain":""`},
		"Paused": {"a count that is held", &Record{
			Object: web, Generation: 1, Slot: start, Policy: "p1", Known: true, Desired: 5, Reason: autoscaler.Paused, Paused: autoscaler.Pause{Fixed: true, Replicas: 5},
			LimitedBy: behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1}, Prev: "s", State: "s"},
			`{"v":1,"kind":"HorizontalAutoscaler","namespace":"default","name":"web","generation":1,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","scale":{"spec":0,"status":0},"metrics":[],"stabilized":0,"limited":0,"desired":5,` +
				`"reason":"Paused","limitedBy":{"stage":"pause","direction":"down"},"paused":{"replicas":5},"prev":"s","state":"s","chain":""`},
		"NodeGroup": {"a node group has observed and command", &Record{
			Object: Object{ScalableNodeGroup, "default", "ng"}, Generation: 2, Slot: start, Policy: "p1",
			Observed: []Field{{Name: "desired", Value: 3}, {Name: "ready", Code: observation.Throttled}}, Command: &four,
			Reason: autoscaler.ScaledUp, Prev: "s", State: "s"},
			`{"v":1,"kind":"ScalableNodeGroup","namespace":"default","name":"ng","generation":2,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","observed":{"desired":3,"ready":"Throttled"},"command":4,"reason":"ScaledUp","prev":"s","state":"s","chain":""`},
		"Producer": {"a producer has observed and value", &Record{
			Object: Object{MetricsProducer, "default", "q"}, Generation: 1, Slot: start, Policy: "p1",
			Value: []Field{{Name: "karpenter_queue_length", Value: 0.1}}, Reason: autoscaler.Unchanged, Prev: "s", State: "s"},
			`{"v":1,"kind":"MetricsProducer","namespace":"default","name":"q","generation":1,"slot":"2026-01-05T08:00:00Z",` +
				`"policy":"p1","observed":{},"value":{"karpenter_queue_length":0.1},"reason":"Unchanged","prev":"s","state":"s","chain":""`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			line, digest := Append([]byte("kept"), c.record)
			want := "kept" + seal(c.want) + "\n"
			if diff := cmp.Diff(want, string(line)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if !json.Valid(line[4:]) || !strings.HasSuffix(want, digest+"\"}\n") {
				t.Errorf("valid JSON: %v; digest %s", json.Valid(line[4:]), digest)
			}
		})
	}
}

func TestNumberForms(t *testing.T) {
	for _, c := range []struct {
		reason string
		value  float64
		want   string
	}{
		{"no decimal point where none is needed", 1834, "1834"},
		{"the shortest that reads back, not the nearest decimal", math.Nextafter(0.3, 1), "0.30000000000000004"},
		{"a third", 1.0 / 3, "0.3333333333333333"},
		{"zero", 0, "0"},
		{"negative zero is another float64", math.Copysign(0, -1), "-0"},
		{"large", 1e21, "1e+21"},
		{"small", 1e-7, "1e-07"},
		{"the smallest", 5e-324, "5e-324"},
		{"the largest", math.MaxFloat64, "1.7976931348623157e+308"},
		{"above 2^53", 9007199254740994, "9.007199254740994e+15"},
	} {
		line, _ := Append(nil, &Record{Object: web, Metrics: []Metric{{Value: c.value}}})
		if want := `"value":` + c.want + `}`; !bytes.Contains(line, []byte(want)) {
			t.Errorf("%s: no %s in %s", c.reason, want, line)
		}
		r, _, err := decode(bytes.TrimSpace(line))
		if err != nil || math.Float64bits(r.Metrics[0].Value) != math.Float64bits(c.value) {
			t.Errorf("%s: %v read back as %v, %v", c.reason, c.value, r, err)
		}
	}
}

func TestOutcomeLine(t *testing.T) {
	for _, c := range []struct {
		reason  string
		outcome Outcome
		want    string
	}{
		{"a simulation has no wall time", Outcome{Object: web, Slot: start, Result: "Applied"},
			`{"v":1,"kind":"Outcome","namespace":"default","name":"web","slot":"2026-01-05T08:00:00Z","of":"HorizontalAutoscaler","result":"Applied"}`},
		{"live", Outcome{Object: web, Slot: start, Result: "Conflict", At: int64(start)*1000 + 250, Lateness: 250},
			`{"v":1,"kind":"Outcome","namespace":"default","name":"web","slot":"2026-01-05T08:00:00Z","of":"HorizontalAutoscaler","result":"Conflict","at":"2026-01-05T08:00:00.250Z","latenessMilliseconds":250}`},
	} {
		line := AppendOutcome(nil, &c.outcome)
		if diff := cmp.Diff(c.want+"\n", string(line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
		_, got, err := decode(bytes.TrimSpace(line))
		if diff := cmp.Diff(&c.outcome, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.reason, err, diff)
		}
	}
}

// drawRecord is any record that the engine could write.
func drawRecord(t *rapid.T) *Record {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\t\n\x7f]*`), rapid.Just("a\xff\u2028\U0001F600"))
	n := rapid.Int32()
	at := rapid.Int64Range(-62_000_000_000, 250_000_000_000)
	code := rapid.SampledFrom([]observation.Code{"", "", observation.Empty, observation.NaN, observation.Negative, observation.OutOfRange, observation.NoReplicas})
	value := rapid.Float64()
	fields := func() []Field {
		var fields []Field
		for range rapid.IntRange(0, 3).Draw(t, "fields") {
			fields = append(fields, Field{text.Draw(t, "name"), value.Draw(t, "value"), code.Draw(t, "code")})
		}
		return fields
	}
	r := &Record{
		Object: Object{
			rapid.SampledFrom([]string{HorizontalAutoscaler, ScalableNodeGroup, MetricsProducer}).Draw(t, "kind"),
			text.Draw(t, "namespace"), text.Draw(t, "name")},
		Generation: rapid.Int64Range(0, math.MaxInt64).Draw(t, "generation"), Slot: slot.Slot(at.Draw(t, "slot")),
		Policy: text.Draw(t, "policy"), PolicyBody: string(queuePolicy().Encode()),
		Scale:        autoscaler.Scale{Spec: n.Draw(t, "spec"), Status: n.Draw(t, "status"), Ready: rapid.Int32Range(0, math.MaxInt32/2).Draw(t, "ready"), Fewer: rapid.Int32Range(0, 9).Draw(t, "fewer"), More: rapid.Int32Range(0, 9).Draw(t, "more"), Counted: rapid.Bool().Draw(t, "counted"), Code: code.Draw(t, "scale")},
		Recommending: rapid.Bool().Draw(t, "recommending"), Known: rapid.Bool().Draw(t, "known"),
		Recommended: n.Draw(t, "recommended"), Stabilized: n.Draw(t, "stabilized"), Limited: n.Draw(t, "limited"), Desired: n.Draw(t, "desired"),
		Reason: autoscaler.Reason(text.Draw(t, "reason")), DryRun: rapid.Bool().Draw(t, "dryRun"),
		LimitedBy: behavior.Limit{
			Stage: behavior.Stage(text.Draw(t, "stage")), Direction: behavior.Down, Policy: rapid.IntRange(-1, 15).Draw(t, "index"),
			Used: n.Draw(t, "used"), Left: n.Draw(t, "left"), Until: slot.Slot(at.Draw(t, "until"))},
		Observed: fields(), Value: fields(),
		Paused: autoscaler.Pause{Down: rapid.Bool().Draw(t, "in"), Up: rapid.Bool().Draw(t, "out"), Unreadable: rapid.Bool().Draw(t, "unreadable")},
		Prev:   text.Draw(t, "prev"), State: text.Draw(t, "state"), StateBody: text.Draw(t, "body"), Bodies: rapid.Bool().Draw(t, "bodies"),
		Missed: rapid.Int64Range(0, 9).Draw(t, "missed"), Chain: text.Draw(t, "chain"),
	}
	if rapid.Bool().Draw(t, "fixed") {
		r.Paused.Fixed, r.Paused.Replicas, r.Paused.Until = true, n.Draw(t, "held"), slot.Slot(at.Draw(t, "end"))
	}
	if rapid.Bool().Draw(t, "commanding") {
		command := n.Draw(t, "command")
		r.Command = &command
	}
	for range rapid.IntRange(0, 3).Draw(t, "metrics") {
		r.Metrics = append(r.Metrics, Metric{rapid.SampledFrom([]string{"", "eu"}).Draw(t, "source"), text.Draw(t, "query"), slot.Slot(at.Draw(t, "at")), value.Draw(t, "value"), code.Draw(t, "code"), n.Draw(t, "recommendation"), rapid.Bool().Draw(t, "fallback")})
	}
	return r
}

// What is read back is written as the same bytes, which are JSON of one line.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, digest := Append(nil, drawRecord(t))
		if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("no JSON line: %q", line)
		}
		read, _, err := decode(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if again, _ := Append(nil, read); !bytes.Equal(again, line) || read.Digest != digest {
			t.Fatalf("\nwrote %s\nread  %s", line, again)
		}
	})
}

// FuzzDecode reads anything; what is accepted has one form, which is stable.
func FuzzDecode(f *testing.F) {
	for _, r := range append(story(), limitedRecord()) {
		line, _ := Append(nil, r)
		body, _, _ := strings.Cut(string(line), `,"digest"`)
		f.Add(body)
	}
	f.Add(strings.TrimSuffix(string(AppendOutcome(nil, &Outcome{Object: web, Slot: start, Result: "Applied", At: 1, Lateness: 1})), "}\n"))
	f.Fuzz(func(t *testing.T, body string) {
		decode([]byte(body + "}"))
		record, outcome, err := decode([]byte(seal(body)))
		if err != nil {
			return
		}
		encode := func(r *Record, o *Outcome) string {
			if o != nil {
				return string(AppendOutcome(nil, o))
			}
			line, _ := Append(nil, r)
			return string(line)
		}
		once := encode(record, outcome)
		if record, outcome, err = decode([]byte(strings.TrimSuffix(once, "\n"))); err != nil {
			t.Fatalf("%v: %q", err, once)
		}
		if twice := encode(record, outcome); twice != once {
			t.Fatalf("\nfirst %s\nthen  %s", once, twice)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := limitedRecord()
	r.Bodies = false
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line, _ = Append(line[:0], r)
	}
	b.SetBytes(int64(len(line)))
}
