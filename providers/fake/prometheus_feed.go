package fake

import (
	"container/heap"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// A Sample is one sample of one of a feed's series.
type Sample struct {
	// Series is the feed's own index of the series, counted from 0.
	Series int
	// T is the sample's time in Unix milliseconds.
	T int64
	// F is the value, unless H is set. A stale marker is value.StaleNaN.
	F float64
	// H is the value of a native histogram. Its receiver owns it.
	H *histogram.FloatHistogram
}

// A Feed yields the samples of several series in the order of time, and at
// equal times in the order of the series' indexes.
type Feed interface {
	// Labels returns the labels of a series whose index Next has returned.
	Labels(series int) labels.Labels
	// Next returns the next sample, or io.EOF after the last one. Any other
	// error says where in the source it happened.
	Next() (Sample, error)
	// Close releases the source.
	Close() error
}

// MergeFeeds merges feeds by time; at equal times by the order of the arguments,
// then by series. A series that several feeds have gets an index for each. A
// feed that steps back in time is an error.
func MergeFeeds(feeds ...Feed) Feed {
	m := &mergedFeed{}
	for _, f := range feeds {
		m.add(f)
	}
	return m
}

type mergedFeed struct {
	sources []*mergeSource
	// opened is the number of sources whose first sample has been read.
	opened int
	heads  sourceHeap
	// labels holds the labels by merged index.
	labels []labels.Labels
}

// A mergeSource is one feed with its next sample.
type mergeSource struct {
	feed  Feed
	order int
	head  Sample
	// indexes maps the feed's indexes to merged ones plus 1; 0 is not yet seen.
	indexes []int
}

// add adds a feed, at any time.
func (m *mergedFeed) add(f Feed) {
	m.sources = append(m.sources, &mergeSource{feed: f, order: len(m.sources)})
}

func (m *mergedFeed) Labels(series int) labels.Labels { return m.labels[series] }

// due says whether the next sample is not later than now.
func (m *mergedFeed) due(now int64) (bool, error) {
	if err := m.open(); err != nil {
		return false, err
	}
	return len(m.heads) > 0 && m.heads[0].head.T <= now, nil
}

func (m *mergedFeed) Next() (Sample, error) {
	if err := m.open(); err != nil {
		return Sample{}, err
	}
	if len(m.heads) == 0 {
		return Sample{}, io.EOF
	}
	source := m.heads[0]
	sample := source.head
	sample.Series = m.index(source, sample.Series)
	next, err := source.feed.Next()
	switch {
	case errors.Is(err, io.EOF):
		heap.Pop(&m.heads)
	case err != nil:
		return Sample{}, err
	case next.T < sample.T:
		return Sample{}, fmt.Errorf("a feed is not in the order of time: series %s at %s follows a sample at %s",
			source.feed.Labels(next.Series), formatTime(next.T), formatTime(sample.T))
	default:
		source.head = next
		heap.Fix(&m.heads, 0)
	}
	return sample, nil
}

// open reads the first sample of every feed that is new.
func (m *mergedFeed) open() error {
	for ; m.opened < len(m.sources); m.opened++ {
		s := m.sources[m.opened]
		first, err := s.feed.Next()
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return err
		}
		s.head = first
		heap.Push(&m.heads, s)
	}
	return nil
}

func (m *mergedFeed) index(s *mergeSource, series int) int {
	for len(s.indexes) <= series {
		s.indexes = append(s.indexes, 0)
	}
	if s.indexes[series] == 0 {
		m.labels = append(m.labels, s.feed.Labels(series))
		s.indexes[series] = len(m.labels)
	}
	return s.indexes[series] - 1
}

func (m *mergedFeed) Close() error {
	var errs []error
	for _, s := range m.sources {
		errs = append(errs, s.feed.Close())
	}
	return errors.Join(errs...)
}

// A sourceHeap has the source with the earliest next sample first.
type sourceHeap []*mergeSource

func (h sourceHeap) Len() int { return len(h) }
func (h sourceHeap) Less(i, j int) bool {
	if h[i].head.T != h[j].head.T {
		return h[i].head.T < h[j].head.T
	}
	return h[i].order < h[j].order
}
func (h sourceHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *sourceHeap) Push(x any)   { *h = append(*h, x.(*mergeSource)) }
func (h *sourceHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// An intake moves samples from feeds into a store, up to an instant at a time.
type intake struct {
	feed   mergedFeed
	store  *Store
	series []*Series
}

// advance appends all samples up to now, inclusive.
func (in *intake) advance(now int64) error {
	for {
		due, err := in.feed.due(now)
		if !due || err != nil {
			return err
		}
		sample, err := in.feed.Next()
		if err != nil {
			return err
		}
		if err := in.append(sample); err != nil {
			return err
		}
	}
}

func (in *intake) append(s Sample) error {
	if s.Series == len(in.series) {
		in.series = append(in.series, in.store.Series(in.feed.Labels(s.Series)))
	}
	series := in.series[s.Series]
	if s.H != nil {
		return series.AppendHistogram(s.T, s.H)
	}
	return series.Append(s.T, s.F)
}
