package journal

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

func verifyText(lines ...string) (Verification, error) {
	return Verify(strings.NewReader(strings.Join(lines, "\n")+"\n"), "j")
}

func linesOf(file []byte) []string {
	return strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
}

// Whatever was seen, what Step decided verifies.
func TestVerifyWalks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		objects := []*run{newRun(web), newRun(Object{HorizontalAutoscaler, "default", "api"})}
		var file bytes.Buffer
		w := NewWriter(&file)
		samples := rapid.SampledFrom([]autoscaler.Sample{
			number(0), number(4), number(20), number(20), number(77.7), number(1e300), number(-3), number(0.3), number(0.6),
			{Code: observation.NaN}, {Code: observation.Empty}, {Code: observation.TimedOut},
		})
		scales := rapid.SampledFrom([]observation.Code{"", "", "", "", "", observation.Unavailable, observation.Contested})
		records := rapid.IntRange(1, 40).Draw(t, "records")
		for range records {
			r := rapid.SampledFrom(objects).Draw(t, "object")
			switch rapid.IntRange(0, 12).Draw(t, "event") {
			case 0:
				p := queuePolicy()
				p.Max, p.DryRun = rapid.Int32Range(1, 30).Draw(t, "max"), rapid.Bool().Draw(t, "dryRun")
				p.Down.Window = rapid.Int32Range(0, 90).Draw(t, "window")
				r.edit(p)
			case 1:
				r.edit(nil)
			case 2:
				r.slot += 10 * slot.Slot(rapid.IntRange(1, 9).Draw(t, "missed"))
			case 3:
				r.replicas = rapid.Int32Range(0, 30).Draw(t, "edited count")
			}
			if err := w.Record(r.decide(scales.Draw(t, "scale"), samples.Draw(t, "queue"), samples.Draw(t, "busy"))); err != nil {
				t.Fatal(err)
			}
		}
		found, err := Verify(&file, "walk")
		if diff := cmp.Diff(Verification{Records: records, Verified: records}, found); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// A change of any byte of a record is found, at its line. The newline of the
// last line is no such byte: without it the line is torn.
// A journal from before ready replicas were counted verifies: status multiplies.
func TestVerifyWithoutReady(t *testing.T) {
	r := newRun(web)
	r.uncounted = true
	file := writtenBy(t, r.decide("", number(28), number(0.5)), r.decide("", number(28), number(0.9)))
	if bytes.Contains(file, []byte(`"ready"`)) {
		t.Fatalf("the records count: %s", file)
	}
	found, err := Verify(bytes.NewReader(file), "old.jsonl")
	if err != nil || found.Verified != 2 {
		t.Errorf("verified %d of 2: %v", found.Verified, err)
	}
}

func TestVerifyFlippedByte(t *testing.T) {
	file := writtenBy(t, story()...)
	for at := 0; at < len(file)-1; at += 11 {
		flipped := bytes.Clone(file)
		flipped[at] ^= 1 << (at / 11 % 8)
		line := bytes.Count(file[:at], []byte("\n")) + 1
		_, err := Verify(bytes.NewReader(flipped), "flipped")
		var d *Difference
		if !errors.As(err, &d) || d.Line != line {
			t.Fatalf("byte %d of line %d, %q made %q: %v", at, line, file[at], flipped[at], err)
		}
	}
}

// A deleted line is a gap. What follows it verifies as long as the lost record
// left the state as it was, and again where the bodies stand.
func TestVerifyDeletedLine(t *testing.T) {
	records := story()
	lines := linesOf(writtenBy(t, records...))
	bodies := func(i int) bool { return strings.Contains(lines[i], `"stateBody"`) }
	for deleted := range lines {
		want := Verification{Records: len(lines) - 1, Gaps: 1}
		if deleted == len(lines)-1 {
			want.Gaps = 0 // a file may end anywhere
		}
		lost := bodies(deleted) || records[deleted].Prev != records[deleted].State
		for i := deleted + 1; lost && i < len(lines) && !bodies(i); i++ {
			want.Unverifiable++
		}
		want.Verified = want.Records - want.Unverifiable
		found, err := verifyText(append(append([]string{}, lines[:deleted]...), lines[deleted+1:]...)...)
		if diff := cmp.Diff(want, found); err != nil || diff != "" {
			t.Errorf("without line %d: %v (-want +got):\n%s", deleted+1, err, diff)
		}
	}
}

// A killed writer leaves a torn last line, wherever it was cut.
func TestVerifyTornLine(t *testing.T) {
	records := story()[:4]
	file := writtenBy(t, records...)
	whole := writtenBy(t, records[:3]...)
	for end := len(whole); end < len(file); end++ {
		want := Verification{Records: 3, Verified: 3, Torn: end > len(whole)}
		found, err := Verify(bytes.NewReader(file[:end]), "torn")
		if diff := cmp.Diff(want, found); err != nil || diff != "" {
			t.Fatalf("cut at %d of %d: %v (-want +got):\n%s", end, len(file), err, diff)
		}
	}
}

// TestVerifyForged seals a changed record anew and mends the chain after it: the
// bytes are whole, but the engine decides otherwise.
func TestVerifyForged(t *testing.T) {
	cases := map[string]struct {
		reason string
		line   int // of story
		forge  func(*Record)
	}{
		"Desired":     {"another decision", 2, func(r *Record) { r.Desired++ }},
		"Reason":      {"another reason", 2, func(r *Record) { r.Reason = autoscaler.ScaledUp }},
		"Recommended": {"another recommendation", 1, func(r *Record) { r.Recommended = 99 }},
		"Metric":      {"another recommendation of one metric", 1, func(r *Record) { r.Metrics[1].Recommendation++ }},
		"Limit":       {"another budget", 2, func(r *Record) { r.LimitedBy.Left++ }},
		"NoLimit":     {"a limit hushed up", 2, func(r *Record) { r.LimitedBy = behavior.Limit{} }},
		"Value":       {"another observation than the one decided on", 1, func(r *Record) { r.Metrics[0].Value = 12 }},
		"Code":        {"a usable value called unusable", 1, func(r *Record) { r.Metrics[0].Code = observation.Empty }},
		"Scale":       {"another count", 4, func(r *Record) { r.Scale.Spec++ }},
		"Slot":        {"another time", 3, func(r *Record) { r.Slot += 3600 }},
		"Query":       {"another query", 1, func(r *Record) { r.Metrics[1].Query = "idle" }},
		"MetricMore":  {"a metric that the policy has not", 1, func(r *Record) { r.Metrics = append(r.Metrics, Metric{Query: "x", At: r.Slot}) }},
		"MetricLess":  {"a metric left out", 1, func(r *Record) { r.Metrics = r.Metrics[:1] }},
		"DryRun":      {"the policy actuates", 1, func(r *Record) { r.DryRun = true }},
		"State":       {"another state afterwards", 1, func(r *Record) { r.State = Digest([]byte("x")) }},
		"Invalid":     {"a decision under an invalid policy", 10, func(r *Record) { r.Reason = autoscaler.Unchanged }},
		"PolicyBody":  {"a body that is not the policy named", 0, func(r *Record) { r.PolicyBody = "{}" }},
		"StateBody":   {"a body that is not the state named", 8, func(r *Record) { r.StateBody = "" }},
		"Unreadable":  {"a state that cannot be read", 8, func(r *Record) { r.StateBody, r.Prev = "9", Digest([]byte("9")) }},
		"Interval":    {"a policy that no spec compiles to", 8, func(r *Record) { r.PolicyBody, r.Policy = "{}", policy.Digest([]byte("{}")) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var lines []string
			chain, original := "", ""
			for i, text := range linesOf(writtenBy(t, story()...)) {
				r, _, err := decode([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if i == c.line {
					original = text
					c.forge(r)
				}
				r.Chain = chain
				var line []byte
				line, chain = Append(nil, r)
				lines = append(lines, strings.TrimSuffix(string(line), "\n"))
			}
			_, err := verifyText(lines...)
			var d *Difference
			if !errors.As(err, &d) || d.Line != c.line+1 || lines[c.line] == original {
				t.Fatalf("%s: %v", c.reason, err)
			}
			if d.Err == nil && (string(d.Got) != lines[c.line] || !strings.Contains(err.Error(), string(d.Got)) || !strings.Contains(err.Error(), string(d.Want))) {
				t.Errorf("%s: both lines must be shown, and the recorded one is\n%s\nnot %v", c.reason, lines[c.line], err)
			}
		})
	}
}

// TestReadErrors holds the message of a line that is none.
func TestReadErrors(t *testing.T) {
	good, _ := Append(nil, story()[0])
	text := strings.TrimSuffix(string(good), "\n")
	digest, otherDigit := text[len(text)-66:len(text)-2], '0'
	if digest[63] == '0' {
		otherDigit = '1'
	}
	for _, c := range []struct{ reason, line, want string }{
		{"no JSON", `decisions`, "j:2: no decision record: invalid character"},
		{"no object", `[]`, "j:2: no decision record: json: cannot unmarshal array"},
		{"an unknown key is a newer schema", `{"v":1,"wind":"south"}`, `j:2: no decision record: json: unknown field "wind"`},
		{"a newer version", `{"v":2}`, "j:2: schema version 2: this program reads version 1"},
		{"no digest", `{"v":1,"kind":"HorizontalAutoscaler"}`, "j:2: no digest at the end of the line"},
		{"what git does to text files on Windows", text + "\r", "j:2: the line ends in CR LF, a journal's in LF"},
		{"a line that stands twice", text, "j:2: slot 2026-"},
		{"an empty line", ``, "j:2: no decision record: EOF"},
		{"a changed line", strings.Replace(text, `"spec":5`, `"spec":6`, 1), "j:2: the line was changed: its digest says "},
		{"digests that differ at the end only are shown whole", text[:len(text)-3] + string(otherDigit) + `"}`, "j:2: the line was changed: its digest says " + digest[:63] + string(otherDigit) + ", its bytes give " + digest},
		{"an unknown kind", seal(`{"v":1,"kind":"Deployment"`), `j:2: unknown kind "Deployment"`},
		{"no observation", seal(`{"v":1,"kind":"MetricsProducer"`), "j:2: observed: want an object of numbers"},
		{"a list is no number", seal(`{"v":1,"kind":"MetricsProducer","observed":{"x":[]}`), "j:2: observed: x: want a number or a code"},
		{"a value is one too", seal(`{"v":1,"kind":"MetricsProducer","observed":{},"value":{"x":null}`), "j:2: value: x: want a number or a code"},
	} {
		_, err := verifyText(text, c.line, text)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
		}
	}
}

type brokenFile struct{}

func (brokenFile) Read([]byte) (int, error) { return 0, errFull }

func TestVerifyBrokenFile(t *testing.T) {
	_, err := Verify(brokenFile{}, "j")
	var d *Difference
	if !errors.Is(err, errFull) || errors.As(err, &d) || err.Error() != "j:1: no space left" {
		t.Errorf("a failed read is no difference: %v", err)
	}
}

// FuzzVerify decides foreign records again, whatever policy and state they bring.
func FuzzVerify(f *testing.F) {
	// Short seeds: each that is of interest is first made shorter, byte by byte.
	const body = `{"v":1,"kind":"HorizontalAutoscaler","slot":"2026-01-05T08:00:00Z","policy":"p","scale":{"spec":5,"status":5},"metrics":[{"query":"m","value":9}],"reason":"Bounded","prev":"a","state":"b","chain":""`
	const encoded = `{"interval":10,"max":40,"metrics":[{"query":"m","type":"Value","target":1}],"down":{"window":60}}`
	f.Add(body, `1 10/0 60/30 1767600000 5:0-10,9:20 +4:20 20:5>9`, encoded)
	f.Add(body, ``, `{"interval":10,"max":40,"up":{"policies":[{"type":"Percent","value":-1,"period":-1}]},"down":{"window":-5}}`)
	f.Add(`{"v":1,"kind":"ScalableNodeGroup","slot":"2026-01-05T08:00:00Z","observed":{"spec":3,"desired":2}`, `1`, `{"type":"x"}`)
	f.Add(`{"v":1,"kind":"MetricsProducer","slot":"2026-01-05T08:00:00Z","observed":{},"value":{"replicas":2}`, ``, `{"schedule":{"timezone":"UTC","behaviors":[{"replicas":2,"start":{"hours":"6"},"end":{"hours":"20"}}]}}`)
	f.Add(`{"v":1,"kind":"Outcome","of":"HorizontalAutoscaler","result":"Conflict"`, ``, ``)
	f.Fuzz(func(t *testing.T, body, state, encoded string) {
		verifyText(seal(body))
		record, _, err := decode([]byte(seal(body)))
		if err != nil || record == nil {
			return
		}
		// Bodies of any kind under the digests that they should have.
		record.Bodies, record.StateBody, record.Prev = true, state, Digest([]byte(state))
		record.PolicyBody, record.Policy = encoded, policy.Digest([]byte(encoded))
		line, _ := Append(nil, record)
		Verify(bytes.NewReader(line), "j")
	})
}
