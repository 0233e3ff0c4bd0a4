package reports

import "sort"

// An Episode is a stretch that lacked capacity, with gaps shorter than a minute.
type Episode struct {
	// Start and End are in Unix seconds.
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Seconds is the time in it that lacked capacity.
	Seconds int64 `json:"seconds"`
	// Lost is the capacity that was missing, in replica-seconds; Depth the most replicas at once.
	Lost  float64 `json:"lostReplicaSeconds"`
	Depth float64 `json:"depth"`
	// Deepest is when Depth was first reached, in Unix seconds.
	Deepest int64       `json:"deepest"`
	Causes  []CauseTime `json:"causes"`
	// Spans are the causes in order of time, for plots; where there are very
	// many, neighbours are joined.
	Spans []Span `json:"-"`
}

// A Span is a stretch of lacking capacity with one reason, in Unix seconds.
type Span struct {
	Start, End int64
	Cause      Cause
	Detail     string
}

const (
	// episodeGap is how many seconds of enough capacity end an episode.
	episodeGap = 60
	// worstEpisodes is how many are kept.
	worstEpisodes = 5
	// maxSpans bounds the spans kept of one episode.
	maxSpans = 1024
)

// episodes builds episodes as time passes and keeps the worst.
type episodes struct {
	open   *Episode
	causes map[reason]int64
	worst  []Episode
	count  int64
	// longest is the most seconds that one episode lacked capacity.
	longest int64
}

// lack adds a stretch without enough capacity.
func (e *episodes) lack(start, end int64, missing float64, why reason) {
	if e.open != nil && start-e.open.End >= episodeGap {
		e.close()
	}
	if e.open == nil {
		e.open, e.causes = &Episode{Start: start}, map[reason]int64{}
	}
	o := e.open
	o.End = end
	o.Seconds += end - start
	o.Lost += float64(missing * float64(end-start))
	if missing > o.Depth {
		o.Depth, o.Deepest = missing, start
	}
	e.causes[why] += end - start
	n := len(o.Spans)
	if n > 0 && o.Spans[n-1].End == start && o.Spans[n-1].Cause == why.cause && o.Spans[n-1].Detail == why.detail {
		o.Spans[n-1].End = end
		return
	}
	if n == maxSpans {
		o.Spans = halve(o.Spans)
	}
	o.Spans = append(o.Spans, Span{Start: start, End: end, Cause: why.cause, Detail: why.detail})
}

// close ends the open episode.
func (e *episodes) close() {
	if e.open == nil {
		return
	}
	e.open.Causes = sortCauses(e.causes)
	e.count++
	e.longest = max(e.longest, e.open.Seconds)
	e.worst = append(e.worst, *e.open)
	e.open = nil
	sort.SliceStable(e.worst, func(i, j int) bool { return e.worst[i].Lost > e.worst[j].Lost })
	e.worst = e.worst[:min(len(e.worst), worstEpisodes)]
}

// halve joins neighbouring spans; the longer one gives the reason. So an episode
// of many short spans is kept in half the detail.
func halve(spans []Span) []Span {
	half := spans[:0]
	for i := 0; i < len(spans); i += 2 {
		joint := spans[i]
		if i+1 < len(spans) {
			next := spans[i+1]
			if next.End-next.Start > joint.End-joint.Start {
				joint.Cause, joint.Detail = next.Cause, next.Detail
			}
			joint.End = next.End
		}
		half = append(half, joint)
	}
	return half
}
