package sim

import (
	"bufio"
	"cmp"
	"io"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// ranks are the places of the objects of a column among those that decide at one
// instant.
func ranks(column []Autoscaler) map[journal.Object]int {
	sorted := make([]journal.Object, len(column))
	for i := range column {
		sorted[i] = journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: column[i].Object.Namespace, Name: column[i].Object.Name}
	}
	slices.SortFunc(sorted, func(a, b journal.Object) int { return cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) })
	rank := map[journal.Object]int{}
	for i, o := range sorted {
		rank[o] = i
	}
	return rank
}

// A page holds what a part decided in a stretch of time, in order.
type page struct {
	batch
	// stamps say when each entry came, and text has the lines of the journal, where
	// any are encoded.
	stamps []stamp
	text   []byte
}

// A stamp is the place of an entry among those of all parts.
type stamp struct {
	at   int64 // Unix milliseconds
	rank int
	// end is that of its line in the text.
	end int
}

// pages are the journal of a part.
type pages struct {
	clock   *Clock
	rank    map[journal.Object]int
	current *page
	writer  *journal.Writer // nil where nothing is encoded
}

func newPages(clock *Clock, rank map[journal.Object]int, o Options) *pages {
	p := &pages{clock: clock, rank: rank, current: &page{}}
	if o.encodes() {
		p.writer = journal.NewWriter(p)
	}
	return p
}

// Write implements io.Writer for the encoded lines.
func (p *pages) Write(line []byte) (int, error) {
	p.current.text = append(p.current.text, line...)
	return len(line), nil
}

// Record implements cycle.Journal.
func (p *pages) Record(r *journal.Record) {
	p.current.keep(r)
	if p.writer != nil {
		p.writer.Record(&p.current.entries[len(p.current.entries)-1].record) // into memory: it cannot fail
	}
	p.stamp(r.Object)
}

// Outcome implements cycle.Journal; of those, a simulation keeps what went wrong.
func (p *pages) Outcome(o *journal.Outcome) {
	if o.Result == applied {
		return
	}
	p.current.entries = append(p.current.entries, entry{outcome: o})
	if p.writer != nil {
		p.writer.Outcome(o)
	}
	p.stamp(o.Object)
}

// stamp says when the last entry came.
func (p *pages) stamp(o journal.Object) {
	p.current.stamps = append(p.current.stamps, stamp{p.clock.now.UnixMilli(), p.rank[o], len(p.current.text)})
}

// turn begins a new page, about as long as the full one, which it returns.
func (p *pages) turn() *page {
	full := p.current
	p.current = &page{text: make([]byte, 0, len(full.text)+len(full.text)/8), stamps: make([]stamp, 0, len(full.stamps))}
	p.current.entries = make([]entry, 0, len(full.entries))
	p.current.metrics = make([]journal.Metric, 0, len(full.metrics))
	return full
}

var _ cycle.Journal = (*pages)(nil)

// A merger brings the pages of parts in the order of time, and within an instant in
// that of the objects, while the parts go on.
type merger struct {
	out     *bufio.Writer // nil where nothing is encoded
	lines   *Lines        // nil where none are kept
	golden  *journal.GoldenDigest
	records int64
	pages   chan []*page
	done    chan error
}

func newMerger(o Options) *merger {
	m := &merger{lines: o.Lines, pages: make(chan []*page, 1), done: make(chan error, 1), golden: journal.NewGoldenDigest()}
	if o.encodes() {
		w := o.Journal
		if w == nil {
			w = io.Discard
		}
		m.out = bufio.NewWriterSize(w, 1<<16)
	}
	go m.run()
	return m
}

// encodes reports whether the lines of the journal are wanted, if only for their
// digest.
func (o *Options) encodes() bool { return o.Journal != nil || o.Lines == nil }

// merge takes the pages of one stretch of time.
func (m *merger) merge(pages []*page) { m.pages <- pages }

// run merges what comes until there is no more.
func (m *merger) run() {
	var failed error
	for pages := range m.pages {
		if failed == nil {
			failed = m.stretch(pages)
		}
	}
	if failed == nil && m.out != nil {
		failed = m.out.Flush()
	}
	m.done <- failed
}

// stretch merges the pages of a stretch of time.
func (m *merger) stretch(pages []*page) error {
	next := make([]int, len(pages))
	for {
		first := -1
		for i, p := range pages {
			if next[i] < len(p.stamps) && (first < 0 || p.stamps[next[i]].before(&pages[first].stamps[next[first]])) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		if err := m.entry(pages[first], next[first]); err != nil {
			return err
		}
		next[first]++
	}
}

func (s *stamp) before(o *stamp) bool {
	return s.at < o.at || s.at == o.at && s.rank < o.rank
}

// entry takes over one entry of a page.
func (m *merger) entry(p *page, i int) error {
	switch e := &p.entries[i]; {
	case e.outcome == nil:
		m.records++
		if m.out != nil {
			m.golden.Add(&e.record)
		}
		if m.lines != nil {
			m.lines.Record(&e.record)
		}
	case m.lines != nil:
		m.lines.Outcome(e.outcome)
	}
	if m.out == nil {
		return nil
	}
	begin := 0
	if i > 0 {
		begin = p.stamps[i-1].end
	}
	_, err := m.out.Write(p.text[begin:p.stamps[i].end])
	return err
}

// close waits until all is merged.
func (m *merger) close() error {
	close(m.pages)
	return <-m.done
}

// digest is the golden digest of all records, empty where nothing is digested.
func (m *merger) digest() string {
	if m.out == nil {
		return ""
	}
	return m.golden.String()
}
