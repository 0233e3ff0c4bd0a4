package reports

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIncidents(t *testing.T) {
	// Needed are 5 but for 8 in [600, 660), [700, 730) and [900, 960), and 5.5 from 5000
	// to 5010; 6 are ready until 650 and 7 from then on, and 5 from 4990 to 5005.
	needed := Steps{T: []int64{0, 600, 660, 700, 730, 900, 960, 5000, 5010}, V: []float64{5, 8, 5, 8, 5, 8, 5, 5.5, 5}}
	ready := Steps{T: []int64{0, 650, 4990, 5005}, V: []float64{6, 7, 5, 7}}
	for _, c := range []struct {
		reason string
		gap    int64
		want   []Incident
	}{
		{"far apart", 900, []Incident{{Start: 600, End: 960, Seconds: 150, Episodes: 2}, {Start: 5000, End: 5005, Seconds: 5, Episodes: 1}}},
		{"nearer", 170, []Incident{{Start: 600, End: 730, Seconds: 90, Episodes: 1}, {Start: 900, End: 960, Seconds: 60, Episodes: 1}, {Start: 5000, End: 5005, Seconds: 5, Episodes: 1}}},
		{"all one", 9999, []Incident{{Start: 600, End: 5005, Seconds: 155, Episodes: 3}}},
	} {
		if diff := cmp.Diff(c.want, Incidents(&Object{Needed: needed, Ready: ready}, 0, 6000, c.gap)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
	if got := Incidents(&Object{Needed: needed}, 0, 6000, 900); got != nil {
		t.Errorf("without ready replicas nothing is known, got %+v", got)
	}
}
