package fake

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// A Store keeps samples in memory, sorted by time within each series. It
// implements [storage.Queryable]. It is not safe for concurrent use.
type Store struct {
	all        metric
	byName     map[string]*metric
	byHash     map[uint64][]*samples
	selections map[*labels.Matcher]*selection
	pruned     int64
}

// A metric lists the series that share a name, in the order of their creation.
type metric struct {
	series []*samples
	// epoch counts removals: while it stays, series only grows at its end.
	epoch uint64
}

// samples are the samples of one series.
type samples struct {
	labels labels.Labels
	times  []int64
	floats []float64
	// histograms is nil until the first histogram, then as long as times; where
	// an entry is nil the sample is a float.
	histograms []*histogram.FloatHistogram
	// first is the index of the oldest sample kept.
	first int
	// dropped series are no longer in the store.
	dropped bool
}

// A Series is a handle to append samples to one series of a store.
type Series struct {
	store *Store
	data  *samples
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{
		byName:     map[string]*metric{},
		byHash:     map[uint64][]*samples{},
		selections: map[*labels.Matcher]*selection{},
		pruned:     math.MinInt64,
	}
}

// Series returns a handle to the series with these labels. A series without
// samples is not part of any result.
func (s *Store) Series(l labels.Labels) *Series {
	return &Series{store: s, data: s.resolve(l)}
}

// Labels returns the series' labels.
func (s *Series) Labels() labels.Labels { return s.data.labels }

// Append adds a float sample at t (Unix milliseconds). It is an error if t is
// not after the series' last sample.
func (s *Series) Append(t int64, f float64) error {
	d, err := s.at(t)
	if err != nil {
		return err
	}
	d.times = append(d.times, t)
	d.floats = append(d.floats, f)
	if d.histograms != nil {
		d.histograms = append(d.histograms, nil)
	}
	return nil
}

// has says whether the series' last sample is this one. Prometheus takes it again
// without an error.
func (s *Series) has(t int64, f float64) bool {
	n := len(s.data.times) - 1
	return n >= 0 && s.data.times[n] == t && (s.data.histograms == nil || s.data.histograms[n] == nil) &&
		math.Float64bits(s.data.floats[n]) == math.Float64bits(f)
}

// AppendHistogram adds a native histogram at t (Unix milliseconds). The store
// owns h from now on. It is an error if t is not after the series' last sample.
func (s *Series) AppendHistogram(t int64, h *histogram.FloatHistogram) error {
	d, err := s.at(t)
	if err != nil {
		return err
	}
	if d.histograms == nil {
		d.histograms = make([]*histogram.FloatHistogram, len(d.times))
	}
	d.hintReset(h)
	d.times = append(d.times, t)
	d.floats = append(d.floats, 0)
	d.histograms = append(d.histograms, h)
	return nil
}

// hintReset notes in h that the counter went on since the histogram before, if
// it did. Like Prometheus' own storage it says nothing otherwise.
func (d *samples) hintReset(h *histogram.FloatHistogram) {
	if h.CounterResetHint == histogram.GaugeType || h.CounterResetHint == histogram.CounterReset {
		return
	}
	h.CounterResetHint = histogram.UnknownCounterReset
	if len(d.histograms) == 0 {
		return
	}
	before := d.histograms[len(d.histograms)-1]
	if before == nil || before.CounterResetHint == histogram.GaugeType || value.IsStaleNaN(before.Sum) || value.IsStaleNaN(h.Sum) {
		return
	}
	if !h.DetectReset(before) {
		h.CounterResetHint = histogram.NotCounterReset
	}
}

// at returns the samples to which one at t can be appended.
func (s *Series) at(t int64) (*samples, error) {
	d := s.data
	if d.dropped {
		// All its samples had been pruned; it is a new series now.
		d = s.store.resolve(d.labels)
		s.data = d
	}
	if n := len(d.times); n > 0 && t <= d.times[n-1] {
		cause := storage.ErrOutOfOrderSample
		if t == d.times[n-1] {
			cause = storage.ErrDuplicateSampleForTimestamp
		}
		return nil, fmt.Errorf("series %s: sample at %s must be later than the one before at %s: %w",
			d.labels, formatTime(t), formatTime(d.times[n-1]), cause)
	}
	return d, nil
}

// resolve finds or creates the series with these labels.
func (s *Store) resolve(l labels.Labels) *samples {
	hash := l.Hash()
	for _, d := range s.byHash[hash] {
		if labels.Equal(d.labels, l) {
			return d
		}
	}
	d := &samples{labels: l}
	s.byHash[hash] = append(s.byHash[hash], d)
	s.all.series = append(s.all.series, d)
	name := l.Get(labels.MetricName)
	m := s.byName[name]
	if m == nil {
		m = &metric{}
		s.byName[name] = m
	}
	m.series = append(m.series, d)
	return d
}

// Prune drops all samples before the given instant (Unix milliseconds) and all
// series that have none left. It takes time proportional to the number of
// series, so callers let a good part of a window pass between two calls.
func (s *Store) Prune(before int64) {
	s.pruned = max(s.pruned, before)
	emptied := false
	for _, d := range s.all.series {
		d.prune(before)
		if d.dropped {
			emptied = true
		}
	}
	if !emptied {
		return
	}
	for name, m := range s.byName {
		if m.removeDropped(); len(m.series) == 0 {
			delete(s.byName, name)
		}
	}
	for hash, chain := range s.byHash {
		if chain = slices.DeleteFunc(chain, isDropped); len(chain) == 0 {
			delete(s.byHash, hash)
		} else {
			s.byHash[hash] = chain
		}
	}
	s.all.removeDropped()
}

func isDropped(d *samples) bool { return d.dropped }

func (m *metric) removeDropped() {
	n := len(m.series)
	if m.series = slices.DeleteFunc(m.series, isDropped); len(m.series) < n {
		m.epoch++
	}
}

// prune drops the samples before the given instant.
func (d *samples) prune(before int64) {
	n := len(d.times)
	if n > 0 && d.times[n-1] < before {
		d.dropped = true
		d.times, d.floats, d.histograms, d.first = nil, nil, nil, 0
		return
	}
	d.first += search(d.times[d.first:], before)
	// Moving the rest only when it is the smaller half costs O(1) per sample.
	if d.first < 16 || d.first*2 < n {
		return
	}
	d.times = append(d.times[:0], d.times[d.first:]...)
	d.floats = append(d.floats[:0], d.floats[d.first:]...)
	if d.histograms != nil {
		kept := copy(d.histograms, d.histograms[d.first:])
		clear(d.histograms[kept:])
		d.histograms = d.histograms[:kept]
	}
	d.first = 0
}

// search returns the index of the first time at or after t.
func search(times []int64, t int64) int {
	return sort.Search(len(times), func(i int) bool { return times[i] >= t })
}

// between returns the half-open index range of the samples in [mint, maxt].
func (d *samples) between(mint, maxt int64) (from, to int) {
	from, to = d.first, len(d.times)
	if from < to && d.times[from] < mint {
		from += search(d.times[from:], mint)
	}
	if from < to && d.times[to-1] > maxt {
		to = from + search(d.times[from:to], maxt+1)
	}
	return from, to
}

// formatTime shows Unix milliseconds in errors.
func formatTime(t int64) string {
	return time.UnixMilli(t).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}
