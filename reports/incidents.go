package reports

import "math"

// An Incident is a stretch of time with breaches that lie near each other.
type Incident struct {
	// Start and End are in Unix seconds.
	Start, End int64
	// Seconds is the time in it with fewer ready replicas than needed, in so many
	// Episodes.
	Seconds, Episodes int64
}

// Incidents returns the stretches in which an object had fewer ready replicas than
// needed, in order of time. Breaches less than gap seconds apart are one incident.
func Incidents(o *Object, start, end, gap int64) []Incident {
	var all []Incident
	walk(start, end, []Steps{roundedUp(o.Needed), o.Ready}, func(from, to int64, v []float64) {
		if math.IsNaN(v[0]) || math.IsNaN(v[1]) || v[0] <= v[1] {
			return
		}
		if n := len(all); n == 0 || from-all[n-1].End >= gap {
			all = append(all, Incident{Start: from, Episodes: 1})
		} else if from-all[n-1].End >= episodeGap {
			all[n-1].Episodes++
		}
		last := &all[len(all)-1]
		last.End, last.Seconds = to, last.Seconds+to-from
	})
	return all
}
