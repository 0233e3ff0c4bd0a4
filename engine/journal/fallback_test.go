package journal

import (
	"bytes"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A fallback follows from the state and the inputs of a record. Where a line before
// it was lost, whether it was active is not known, but what it asks for is.
func TestVerifyFallback(t *testing.T) {
	r := newRun(web)
	r.policy.Metrics[0].Fallback = &policy.Fallback{Replicas: 9, After: 20}
	gone := autoscaler.Sample{Code: observation.Unavailable}
	var records []*Record
	for range 4 {
		records = append(records, r.decide("", gone, number(0.6)))
	}
	if last := records[3].Metrics[0]; !last.Fallback || last.Recommendation != 9 || last.Code != observation.Unavailable {
		t.Fatalf("the last record has %+v, want the fallback of 9", last)
	}
	file := writtenBy(t, records...)
	cases := map[string]struct {
		reason string
		gap    int
		forge  func(*Record)
		passes bool
	}{
		"Nothing":      {"as written", -1, func(*Record) {}, true},
		"Denied":       {"it is active after 20 s", -1, func(r *Record) { r.Metrics[0].Fallback = false }, false},
		"Asked":        {"for its own replicas", -1, func(r *Record) { r.Metrics[0].Recommendation = 8 }, false},
		"Gap":          {"as written, beside a gap", 2, func(*Record) {}, true},
		"GapAsked":     {"for its own replicas, beside a gap", 2, func(r *Record) { r.Metrics[0].Recommendation = 8 }, false},
		"GapOfAnother": {"only metrics with one have one", 2, func(r *Record) { r.Metrics[1].Fallback = true }, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Verify(bytes.NewReader(forgedAfterGap(t, file, c.gap, 3, c.forge)), "j"); c.passes != (err == nil) {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}
