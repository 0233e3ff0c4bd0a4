package fake

import "github.com/prometheus/prometheus/model/labels"

// A tracker knows which series a source had last time, so that it can tell which
// ones have vanished. Rounds that have the same series in the same order cost
// one comparison of labels per series.
type tracker struct {
	store *Store
	// round counts the rounds.
	round uint64
	// before and found are the series of the last and the current round in order.
	before, found []*tracked
	// known finds series whose place has changed.
	known map[uint64][]*tracked
	moved bool
}

type tracked struct {
	labels labels.Labels
	series *Series
	// round is the last round that had the series.
	round uint64
}

func newTracker(store *Store) tracker {
	return tracker{store: store, known: map[uint64][]*tracked{}}
}

// begin starts a round.
func (t *tracker) begin() {
	t.round++
	t.found = t.found[:0]
	t.moved = false
}

// track notes that the round has the series and returns its handle. It returns
// false if the round had it already.
func (t *tracker) track(l labels.Labels) (*Series, bool) {
	var s *tracked
	if i := len(t.found); i < len(t.before) && labels.Equal(t.before[i].labels, l) {
		s = t.before[i]
	} else {
		t.moved = true
		s = t.lookup(l)
	}
	if s.round == t.round {
		return s.series, false
	}
	s.round = t.round
	t.found = append(t.found, s)
	return s.series, true
}

func (t *tracker) lookup(l labels.Labels) *tracked {
	hash := l.Hash()
	for _, s := range t.known[hash] {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	s := &tracked{labels: l, series: t.store.Series(l)}
	t.known[hash] = append(t.known[hash], s)
	return s
}

// end ends the round and calls vanished for each series that the last round had
// and this one has not, in the last round's order.
func (t *tracker) end(vanished func(*Series)) {
	if t.moved || len(t.found) < len(t.before) {
		for _, s := range t.before {
			if s.round != t.round {
				vanished(s.series)
				t.forget(s)
			}
		}
	}
	t.before, t.found = t.found, t.before
}

func (t *tracker) forget(gone *tracked) {
	hash := gone.labels.Hash()
	chain := t.known[hash][:0]
	for _, s := range t.known[hash] {
		if s != gone {
			chain = append(chain, s)
		}
	}
	if t.known[hash] = chain; len(chain) == 0 {
		delete(t.known, hash)
	}
}
