package journal

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// TestWriterBodies holds which records carry policy and state.
func TestWriterBodies(t *testing.T) {
	record := func(change func(*Record)) *Record {
		r := &Record{Object: web, Generation: 1, Policy: "p", PolicyBody: "{}", Prev: "s", State: "s", StateBody: "text"}
		change(r)
		return r
	}
	same := func(*Record) {}
	other := func(r *Record) { r.Name = "api" }
	cases := map[string]struct {
		reason  string
		records []*Record
		want    []bool
	}{
		"Steady": {"once a file is enough", []*Record{record(same), record(same), record(same)}, []bool{true, false, false}},
		"Objects": {"once for each object", []*Record{record(same), record(other), record(same), record(other)},
			[]bool{true, true, false, false}},
		"Kinds": {"objects of the same name differ by kind", []*Record{record(same), record(func(r *Record) { r.Kind = ScalableNodeGroup })},
			[]bool{true, true}},
		"Generation": {"the spec was edited", []*Record{record(same), record(func(r *Record) { r.Generation = 2 }), record(func(r *Record) { r.Generation = 2 })},
			[]bool{true, true, false}},
		"Policy": {"the policy changed within a generation, by a flag of the controller", []*Record{record(same), record(func(r *Record) { r.Policy = "q" })},
			[]bool{true, true}},
		"State": {"a state that follows the last one needs no body", []*Record{record(func(r *Record) { r.State = "s2" }), record(func(r *Record) { r.Prev, r.State = "s2", "s2" })},
			[]bool{true, false}},
		"Restart": {"a state that does not follow does", []*Record{record(same), record(func(r *Record) { r.Prev, r.State = "s9", "s9" }), record(func(r *Record) { r.Prev, r.State = "s9", "s9" })},
			[]bool{true, true, false}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []bool
			for _, line := range bytes.Split(bytes.TrimSpace(writtenBy(t, c.records...)), []byte("\n")) {
				r, _, err := decode(line)
				if err != nil {
					t.Fatal(err)
				}
				if r.Bodies != (r.PolicyBody != "") {
					t.Errorf("state and policy go together: %s", line)
				}
				got = append(got, r.Bodies)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// The chain links each object's own records, through others and outcomes.
func TestWriterChain(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	a, b := newRun(web), newRun(Object{HorizontalAutoscaler, "default", "api"})
	last := map[Object]string{}
	for range 4 {
		for _, r := range []*run{a, b} {
			record := r.decide("", number(28), number(0.6))
			if err := w.Record(record); err != nil {
				t.Fatal(err)
			}
			if record.Chain != last[record.Object] || record.Digest == "" {
				t.Errorf("%s: chain %q, want %q", record.Object, record.Chain, last[record.Object])
			}
			last[record.Object] = record.Digest
			if err := w.Outcome(&Outcome{Object: record.Object, Slot: record.Slot, Result: "Applied"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	found, err := Verify(&file, "chain")
	if diff := cmp.Diff(Verification{Records: 8, Verified: 8, Outcomes: 8}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A flakyFile loses the writes whose number is in lost.
type flakyFile struct {
	bytes.Buffer
	writes int
	lost   map[int]bool
}

var errFull = errors.New("no space left")

func (f *flakyFile) Write(p []byte) (int, error) {
	f.writes++
	if f.lost[f.writes] {
		return 0, errFull
	}
	return f.Buffer.Write(p)
}

// A line that could not be written is a gap; the next carries the bodies, so
// that everything after it verifies.
func TestWriterLostLine(t *testing.T) {
	file := &flakyFile{lost: map[int]bool{3: true}}
	w := NewWriter(file)
	r := newRun(web)
	for i := range 6 {
		record := r.decide("", number(float64(20+8*i)), number(0.6))
		err := w.Record(record)
		if lost := i == 2; errors.Is(err, errFull) != lost {
			t.Fatalf("record %d: %v", i, err)
		}
		if want := i == 0 || i == 3; record.Bodies != want {
			t.Errorf("record %d: bodies %v, want %v", i, record.Bodies, want)
		}
	}
	found, err := Verify(&file.Buffer, "flaky")
	if diff := cmp.Diff(Verification{Records: 5, Verified: 5, Gaps: 1}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A record that never came to the writer is a gap as well, although the state
// goes on; readers who begin in the middle wait for the next repetition only.
func TestWriterLoseAndRepeat(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	r := newRun(web)
	for i := range 8 {
		record := r.decide("", number(28), number(0.6))
		switch i {
		case 2:
			w.Lose(web)
			continue
		case 5:
			w.Repeat()
		}
		if err := w.Record(record); err != nil {
			t.Fatal(err)
		}
		if want := i == 0 || i == 3 || i == 5; record.Bodies != want || (record.Chain == "") != (i == 0 || i == 3) {
			t.Errorf("record %d: bodies %v, chain %q", i, record.Bodies, record.Chain)
		}
	}
	found, err := Verify(bytes.NewReader(file.Bytes()), "lost")
	if diff := cmp.Diff(Verification{Records: 7, Verified: 7, Gaps: 1}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	lines := bytes.SplitAfter(file.Bytes(), []byte("\n"))
	found, err = Verify(bytes.NewReader(bytes.Join(lines[3:], nil)), "rest")
	if diff := cmp.Diff(Verification{Records: 4, Verified: 3, Unverifiable: 1, Gaps: 1}, found); err != nil || diff != "" {
		t.Errorf("from the fourth line: %v (-want +got):\n%s", err, diff)
	}
}

// Each file of a rotated journal stands alone.
func TestEveryFileStandsAlone(t *testing.T) {
	records := story()
	for cut := range records {
		for _, file := range [][]byte{writtenBy(t, records[:cut]...), writtenBy(t, records[cut:]...)} {
			want := Verification{Records: bytes.Count(file, []byte("\n"))}
			want.Verified = want.Records
			found, err := Verify(bytes.NewReader(file), "part")
			if diff := cmp.Diff(want, found); err != nil || diff != "" {
				t.Fatalf("cut before record %d: %v (-want +got):\n%s", cut, err, diff)
			}
		}
	}
}

// Both packages name a policy by the same digest.
func TestDigestForm(t *testing.T) {
	encoded := queuePolicy().Encode()
	if Digest(encoded) != policy.Digest(encoded) || len(Digest(nil)) != 32 {
		t.Errorf("digests %s and %s", Digest(encoded), policy.Digest(encoded))
	}
}
