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
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// forgedAfterGap leaves one line out, forges another and mends digests and chains
// from there on, as somebody who knows the format would.
func forgedAfterGap(t *testing.T, file []byte, gap, line int, forge func(*Record)) []byte {
	t.Helper()
	var out []byte
	chain := ""
	for i, text := range linesOf(file) {
		r, _, err := decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if i == gap {
			chain = strings.Repeat("0", 64)
			continue
		}
		if i == line {
			forge(r)
		}
		r.Chain = chain
		out, chain = Append(out, r)
	}
	return out
}

// After a lost line the state is not known, and yet nothing is invented that rests
// on no state.
func TestVerifyForgedAfterGap(t *testing.T) {
	// The second record is lost, which changes the state; the third is rate limited.
	const gap, line = 1, 2
	cases := map[string]struct {
		reason string
		forge  func(*Record)
		passes bool
	}{
		"Metric":      {"the recommendation of a metric follows from its value", func(r *Record) { r.Metrics[0].Recommendation = 1 }, false},
		"Recommended": {"the recommendation from those of the metrics", func(r *Record) { r.Recommended = 1 }, false},
		"AllOne":      {"all numbers at once", func(r *Record) { r.Recommended, r.Stabilized, r.Limited, r.Desired = 1, 1, 1, 1 }, false},
		"Beyond":      {"a limit stays between what is and what is wanted", func(r *Record) { r.Limited, r.Desired = 1, 1 }, false},
		"Window":      {"there is no window on the way up", func(r *Record) { r.Stabilized = r.Scale.Spec }, false},
		"Desired":     {"nothing but the bounds comes after the rate", func(r *Record) { r.Desired++ }, false},
		"Reason":      {"the reason is that of the last stage", func(r *Record) { r.Reason = autoscaler.Stabilized }, false},
		"Limit":       {"a number that was limited says by what", func(r *Record) { r.LimitedBy = behavior.Limit{} }, false},
		"Policy":      {"and by a policy that is there", func(r *Record) { r.LimitedBy.Policy = 7 }, false},
		"Code":        {"a usable value is usable", func(r *Record) { r.Metrics[0].Code = observation.Negative }, false},
		"Query":       {"the queries are the policy's", func(r *Record) { r.Metrics[0].Query = "x" }, false},
		"DryRun":      {"so is dry run", func(r *Record) { r.DryRun = true }, false},
		"Invalid":     {"an invalid spec decides nothing", func(r *Record) { r.Policy = "" }, false},
		"Used":        {"what was used up says what is left", func(r *Record) { r.LimitedBy.Used-- }, false},
		"Left":        {"and the reverse", func(r *Record) { r.LimitedBy.Left++ }, false},
		"UsedAll":     {"what the lost line used up is not known", func(r *Record) { r.LimitedBy.Used--; r.LimitedBy.Left++; r.Limited++; r.Desired++ }, true},
		"Nothing":     {"what was decided is possible", func(*Record) {}, true},
	}
	file := writtenBy(t, story()...)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found, err := Verify(bytes.NewReader(forgedAfterGap(t, file, gap, line, c.forge)), "j")
			var d *Difference
			if c.passes != (err == nil) || err != nil && (!errors.As(err, &d) || d.Line != line) {
				t.Errorf("%s: %v", c.reason, err)
			}
			if c.passes && (found.Gaps != 1 || found.Unverifiable == 0) {
				t.Errorf("%s: %+v", c.reason, found)
			}
		})
	}
}

// A node group's command waits or not by its state; what it wants does not.
func TestVerifyGroupForgedAfterGap(t *testing.T) {
	r := newGroupRun()
	group := func(desired int32) nodegroup.Group {
		return nodegroup.Group{Desired: desired, Ready: desired, Min: 1, Max: 10}
	}
	three, four, forty := int32(3), int32(4), int32(40)
	file := writtenBy(t,
		r.decide(&three, group(3), ""), r.decide(&four, group(3), observation.Forbidden),
		r.decide(&four, group(3), ""), r.decide(&forty, group(4), ""), r.decide(&three, group(3), ""))
	for name, c := range map[string]struct {
		reason string
		line   int
		forge  func(*Record)
		passes bool
	}{
		"Nothing":   {"what was decided is possible", 2, func(*Record) {}, true},
		"Command":   {"a command is of what is wanted", 3, func(r *Record) { one := int32(1); r.Command = &one }, false},
		"Unasked":   {"nothing is commanded that is there already", 4, func(r *Record) { r.Command = &three }, false},
		"Reason":    {"the reason follows", 4, func(r *Record) { r.Reason = autoscaler.ScaledDown }, false},
		"Clipped":   {"so do the provider's bounds", 3, func(r *Record) { r.Command = &forty }, false},
		"Observed":  {"a spec of nothing wants nothing", 3, func(r *Record) { r.Observed = r.Observed[1:] }, false},
		"DryRun":    {"and dry run", 3, func(r *Record) { r.DryRun = true }, false},
		"Waits":     {"whether it waits is not known", 2, func(*Record) {}, true},
		"Unreadabl": {"without a group nothing is decided", 3, func(r *Record) { r.Observed = []Field{{Name: errorField, Code: observation.Throttled}} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Verify(bytes.NewReader(forgedAfterGap(t, file, 1, c.line, c.forge)), "j")
			if c.passes != (err == nil) {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}

// Whatever was decided, and whichever line is lost, what follows is possible.
func TestVerifyAnyGapOfAnyWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(web)
		p := queuePolicy()
		if rapid.Bool().Draw(t, "withoutBehavior") {
			p.Algorithm = policy.HPAWithoutBehavior
		}
		if rapid.Bool().Draw(t, "sleeps") {
			p.Min = max(1, p.Min)
			p.Zero = &policy.Zero{Cooldown: rapid.Int32Range(0, 60).Draw(t, "cooldown")}
			activation := 4.0
			p.Metrics[0].Activation = &activation
		}
		r.edit(p)
		var records []*Record
		values := rapid.SampledFrom([]autoscaler.Sample{number(0), number(4), number(20), number(77.7), number(1e300), number(-3), {Code: observation.Empty}})
		codes := rapid.SampledFrom([]observation.Code{"", "", "", "", observation.Unavailable})
		for range rapid.IntRange(3, 40).Draw(t, "records") {
			if rapid.IntRange(0, 9).Draw(t, "edited") == 0 {
				r.replicas = rapid.Int32Range(0, 60).Draw(t, "count")
			}
			records = append(records, r.decide(codes.Draw(t, "scale"), values.Draw(t, "queue"), values.Draw(t, "busy")))
		}
		var file bytes.Buffer
		w := NewWriter(&file)
		for _, record := range records {
			if err := w.Record(record); err != nil {
				t.Fatal(err)
			}
		}
		lines := linesOf(file.Bytes())
		gap := rapid.IntRange(1, len(lines)-2).Draw(t, "gap")
		found, err := verifyText(append(append([]string{}, lines[:gap]...), lines[gap+1:]...)...)
		if err != nil || found.Gaps != 1 || found.Verified+found.Unverifiable != len(lines)-1 {
			t.Fatalf("without line %d: %+v, %v", gap+1, found, err)
		}
	})
}

// The bodies stand every 256 records of an object, and there verification resumes.
func TestBodiesAreRepeated(t *testing.T) {
	web, api := newRun(web), newRun(Object{HorizontalAutoscaler, "default", "api"})
	var file bytes.Buffer
	w := NewWriter(&file)
	for i := range 600 {
		for _, r := range []*run{web, api} {
			if err := w.Record(r.decide("", number(float64(4+i%60)), number(0.6))); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines := linesOf(file.Bytes())
	var at []int
	for i, line := range lines {
		if strings.Contains(line, `"stateBody"`) && strings.Contains(line, `"policyBody"`) {
			at = append(at, i)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 512, 513, 1024, 1025}, at); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	lost := 20
	for changes := false; !changes; lost += 2 {
		r, _, err := decode([]byte(lines[lost]))
		if err != nil {
			t.Fatal(err)
		}
		changes = r.Prev != r.State
	}
	// Both objects' records of the slot whose state changed.
	found, err := verifyText(append(append([]string{}, lines[:lost-2]...), lines[lost:]...)...)
	want := Verification{Records: 1198, Verified: lost - 2 + 1200 - 512, Gaps: 2, Unverifiable: 512 - lost}
	if diff := cmp.Diff(want, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A state that does not follow from the file is taken as given, and counted.
func TestVerifyCountsStatesTakenOver(t *testing.T) {
	r := newRun(web)
	records := []*Record{r.decide("", number(28), number(0.5)), r.decide("", number(60), number(0.9))}
	r.decide("", number(90), number(0.9)) // by another process
	records = append(records, r.decide("", number(60), number(0.6)), r.decide("", number(60), number(0.6)))
	found, err := Verify(bytes.NewReader(writtenBy(t, records...)), "j")
	if diff := cmp.Diff(Verification{Records: 4, Verified: 4, Resumed: 1}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// VerifyEach shows every line that holds, and ends with the error of its caller.
func TestVerifyEach(t *testing.T) {
	file := writtenBy(t, story()...)
	stop := errors.New("enough")
	var seen []slot.Slot
	_, err := VerifyEach(bytes.NewReader(file), "j", func(l *Line) error {
		seen = append(seen, l.Record.Slot)
		if len(seen) == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || len(seen) != 3 {
		t.Errorf("%d lines, %v", len(seen), err)
	}
}

// Where no line is lost, a record without bodies goes on where the one before ended,
// whatever it says of the state.
func TestVerifyRecordsGoOn(t *testing.T) {
	r := newRun(web)
	var records []*Record
	for i := range 6 {
		records = append(records, r.decide("", number(float64(20+9*i)), number(0.6)))
	}
	file := writtenBy(t, records...)
	for name, c := range map[string]struct {
		reason, want string
		forge        func(*Record)
	}{
		"Prev":       {"a state that nobody left hides what follows from being decided again", "left the state", func(r *Record) { r.Prev = r.Prev[1:] + "0" }},
		"Policy":     {"so does a policy that stands nowhere", "policy is", func(r *Record) { r.Policy = r.Policy[1:] + "0" }},
		"Generation": {"an edit writes its policy", "generation is 2", func(r *Record) { r.Generation = 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			// Nothing is left out.
			_, err := Verify(bytes.NewReader(forgedAfterGap(t, file, -1, 3, c.forge)), "j")
			var d *Difference
			if !errors.As(err, &d) || d.Line != 4 || d.Err == nil || !strings.Contains(d.Err.Error(), c.want) {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}

// Once windows and periods hold nothing from before a gap, everything is decided again,
// although the state is not known still.
func TestVerifyRecoversFromAGap(t *testing.T) {
	r := newRun(web)
	var records []*Record
	for i := range 60 {
		queue := 16.0
		switch at := i % 20; {
		case at < 8:
			queue = 120
		case at < 10:
			queue = 32
		}
		records = append(records, r.decide("", number(queue), number(0.1)))
	}
	file := writtenBy(t, records...)
	const gap, first = 1, 2
	settled := first + int(max(queuePolicy().Window(), queuePolicy().Period()))/10
	forged := map[string]int{}
	for line := first; line < len(records); line++ {
		for name, forge := range map[string]func(*Record) bool{
			"used": func(r *Record) bool { // consistently
				r.LimitedBy.Used--
				r.LimitedBy.Left++
				r.Limited++
				r.Desired++
				return r.Reason == autoscaler.RateLimited && r.LimitedBy.Used >= 0
			},
			"window": func(r *Record) bool {
				r.Stabilized++
				r.Limited, r.Desired = r.Stabilized, r.Stabilized
				return r.Reason == autoscaler.Stabilized && r.Stabilized < r.Scale.Spec
			},
			"until": func(r *Record) bool {
				r.LimitedBy.Until += 10
				return r.Reason == autoscaler.Stabilized || r.Reason == autoscaler.RateLimited
			},
		} {
			wanted := false
			text := forgedAfterGap(t, file, gap, line, func(r *Record) { wanted = forge(r) })
			if !wanted {
				continue
			}
			_, err := Verify(bytes.NewReader(text), "j")
			if line >= settled && err == nil {
				t.Errorf("%s, invented in line %d, passes", name, line)
			}
			if line >= settled {
				forged[name]++
			}
		}
	}
	if forged["used"] == 0 || forged["until"] == 0 || forged["window"] == 0 {
		t.Errorf("what was forged: %v", forged)
	}
	if found, err := Verify(bytes.NewReader(forgedAfterGap(t, file, gap, first, func(*Record) {})), "j"); err != nil || found.Unverifiable == 0 {
		t.Errorf("what was decided is refused: %+v, %v", found, err)
	}
}
