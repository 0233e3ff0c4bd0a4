package recording

import (
	"fmt"
	"io"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

const (
	// sliceMin is the shortest stretch of time read at once, in milliseconds:
	// the length of Prometheus' smallest blocks. It is also the first.
	sliceMin = int64(2 * 60 * 60 * 1000)
	// sliceMax keeps sums of instants and lengths from overflowing.
	sliceMax = int64(math.MaxInt64 / 4)
	// A slice should hold a few chunks of each series: its list of chunks is in
	// memory, and selecting the series costs time. Slices with fewer or more
	// samples a series than these are followed by longer or shorter ones.
	sliceFew, sliceMany = 2 * chunkSamples, 8 * chunkSamples
)

// A blockFeed merges the series of some blocks by time. It goes in slices of
// time; in a slice it has an iterator for every series, which holds one chunk.
type blockFeed struct {
	blocks   *blocks
	matchers [][]*labels.Matcher
	series   []labels.Labels
	// next is where the next slice begins, slice its length, to the last instant.
	next, slice, to int64
	done            bool
	// given counts the samples of the slice.
	given    int
	queriers []storage.Querier
	// lanes are the series of the slice in order, cursors those of them that
	// are not at their end.
	lanes   []lane
	cursors cursors
	spare   []chunkenc.Iterator
}

// A lane is a series in a slice, with an iterator on its current sample.
type lane struct {
	series int
	kind   chunkenc.ValueType
	it     chunkenc.Iterator
}

// A cursor is the instant of a lane's current sample. It is kept apart from
// the lane, so that the heap moves little memory.
type cursor struct {
	t    int64
	lane int
}

// Labels returns the labels of a series of the feed.
func (f *blockFeed) Labels(series int) labels.Labels { return f.series[series] }

// Next returns the next sample, or io.EOF.
func (f *blockFeed) Next() (fake.Sample, error) {
	for len(f.cursors) == 0 {
		if f.done {
			return fake.Sample{}, io.EOF
		}
		if err := f.openSlice(); err != nil {
			f.release()
			return fake.Sample{}, err
		}
	}
	lane := &f.lanes[f.cursors[0].lane]
	s := sample(lane.series, lane.it, lane.kind)
	f.given++
	if lane.kind = lane.it.Next(); lane.kind != chunkenc.ValNone {
		f.cursors[0].t = lane.it.AtT()
		f.cursors.down(0)
		return s, nil
	}
	if err := lane.it.Err(); err != nil {
		err = f.failed(lane.series, err)
		f.release()
		return fake.Sample{}, err
	}
	f.cursors.pop()
	return s, nil
}

func (f *blockFeed) failed(series int, err error) error {
	return f.blocks.damaged(fmt.Errorf("series %s: %w", shown(f.series[series]), err))
}

// openSlice puts a cursor on the first sample of every series in the next
// slice. It steps over time that no block covers.
func (f *blockFeed) openSlice() error {
	f.endSlice()
	f.adapt()
	from, ok := f.nextCovered()
	if !ok || from > f.to {
		f.done = true
		return nil
	}
	end := f.to
	if end-from >= f.slice || end-from < 0 {
		end = from + f.slice - 1
	}
	if f.next = end + 1; end == math.MaxInt64 || f.next > f.to {
		f.done = true
	}
	set, queriers, err := f.blocks.selectSeries(f.matchers, from, end, nil)
	if err != nil {
		return err
	}
	f.queriers = queriers
	return f.place(set)
}

// adapt sets the length of the next slice by what the last one gave, so that
// neither dense data needs much memory nor sparse data many slices.
func (f *blockFeed) adapt() {
	switch {
	case f.given < sliceFew*len(f.series) && f.slice < sliceMax:
		f.slice *= 2
	case f.given > sliceMany*len(f.series) && f.slice > sliceMin:
		f.slice /= 2
	}
	f.given = 0
}

// endSlice keeps the iterators for the next slice.
func (f *blockFeed) endSlice() {
	closeQueriers(f.queriers)
	f.queriers = nil
	for i := range f.lanes {
		f.spare = append(f.spare, f.lanes[i].it)
	}
	clear(f.lanes)
	f.lanes = f.lanes[:0]
}

// nextCovered is the first instant from f.next on that lies in a block.
func (f *blockFeed) nextCovered() (int64, bool) {
	at, ok := int64(math.MaxInt64), false
	for _, block := range f.blocks.blocks {
		if block.MaxTime() > f.next {
			at, ok = min(at, max(block.MinTime(), f.next)), true
		}
	}
	return at, ok
}

// place matches the slice's series, which are sorted as all series are, with
// their numbers.
func (f *blockFeed) place(set storage.SeriesSet) error {
	number := 0
	for set.Next() {
		entry := set.At()
		for number < len(f.series) && labels.Compare(f.series[number], entry.Labels()) < 0 {
			number++
		}
		if number == len(f.series) || !labels.Equal(f.series[number], entry.Labels()) {
			return f.blocks.damaged(fmt.Errorf("series %s is out of order", shown(entry.Labels())))
		}
		it := entry.Iterator(f.takeSpare())
		kind := it.Next()
		if kind == chunkenc.ValNone {
			if err := it.Err(); err != nil {
				return f.failed(number, err)
			}
			f.spare = append(f.spare, it)
			continue
		}
		f.cursors = append(f.cursors, cursor{t: it.AtT(), lane: len(f.lanes)})
		f.lanes = append(f.lanes, lane{series: number, kind: kind, it: it})
	}
	if err := set.Err(); err != nil {
		return f.blocks.damaged(err)
	}
	for i := len(f.cursors)/2 - 1; i >= 0; i-- {
		f.cursors.down(i)
	}
	return nil
}

func (f *blockFeed) takeSpare() chunkenc.Iterator {
	n := len(f.spare) - 1
	if n < 0 {
		return nil
	}
	it := f.spare[n]
	f.spare = f.spare[:n]
	return it
}

// Close ends the feed. It may be called more than once.
func (f *blockFeed) Close() error {
	f.blocks.mu.Lock()
	delete(f.blocks.open, f)
	f.blocks.mu.Unlock()
	f.release()
	return nil
}

func (f *blockFeed) release() {
	closeQueriers(f.queriers)
	f.queriers, f.lanes, f.cursors, f.spare, f.done = nil, nil, nil, nil, true
}

// cursors is a binary heap, the earliest first and then the lowest series. It
// is written out because a call through an interface for every comparison
// would double its cost.
type cursors []cursor

func (c cursor) before(other cursor) bool {
	return c.t < other.t || c.t == other.t && c.lane < other.lane
}

// down restores the order below i.
func (c cursors) down(i int) {
	moved := c[i]
	for {
		child := 2*i + 1
		if child >= len(c) {
			break
		}
		if right := child + 1; right < len(c) && c[right].before(c[child]) {
			child = right
		}
		if !c[child].before(moved) {
			break
		}
		c[i] = c[child]
		i = child
	}
	c[i] = moved
}

// pop removes the first cursor.
func (c *cursors) pop() {
	n := len(*c) - 1
	(*c)[0] = (*c)[n]
	*c = (*c)[:n]
	if n > 0 {
		c.down(0)
	}
}
