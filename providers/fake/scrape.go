package fake

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// staleMarker is the value that ends a series.
var staleMarker = math.Float64frombits(value.StaleNaN)

// A Scrape collects samples at regular instants.
type Scrape struct {
	// Interval is the time between two scrapes.
	Interval time.Duration
	// Start is the instant of the first one, in Unix milliseconds.
	Start int64
	// IngestDelay is how much later than its timestamp a sample is visible.
	IngestDelay time.Duration
	// Collect calls emit for every series that exists at now (Unix
	// milliseconds), once for each. The same order every time is the fastest.
	Collect func(now int64, emit func(l labels.Labels, v float64))
}

// AddScrape adds a scrape loop. Advance scrapes when it is due, and gives series
// that have vanished since the last scrape a stale marker.
func (p *Prometheus) AddScrape(s Scrape) error {
	if s.Interval.Milliseconds() <= 0 || s.IngestDelay < 0 {
		return fmt.Errorf("scrape interval %v, ingest delay %v: the interval must be at least 1ms, the delay not negative", s.Interval, s.IngestDelay)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scrapes = append(p.scrapes, &scrapeLoop{
		Scrape: s,
		store:  p.store,
		next:   s.Start,
		known:  map[uint64][]*scraped{},
	})
	return nil
}

// scrape runs the scrapes that are due, in the order of time, then of AddScrape,
// and makes visible what has waited for its delay.
func (p *Prometheus) scrape(now int64) error {
	for {
		var first *scrapeLoop
		for _, s := range p.scrapes {
			if s.next <= now && (first == nil || s.next < first.next) {
				first = s
			}
		}
		if first == nil {
			break
		}
		if err := first.run(); err != nil {
			return err
		}
	}
	for _, s := range p.scrapes {
		if err := s.release(now); err != nil {
			return err
		}
	}
	return nil
}

// A scrapeLoop is a scrape with what it found last time.
type scrapeLoop struct {
	Scrape
	store *Store
	// next is the instant of the next scrape.
	next int64
	// round counts the scrapes.
	round uint64
	// before and found are the series of the last and the current scrape, in
	// the order of Collect.
	before, found []*scraped
	// known finds a series of the last scrape whose place has changed.
	known map[uint64][]*scraped
	// waiting are the samples that are not visible yet, oldest first.
	waiting []waitingSample
	err     error
}

// A scraped series is one that the last scrape had.
type scraped struct {
	labels labels.Labels
	series *Series
	round  uint64
}

type waitingSample struct {
	series *Series
	t      int64
	v      float64
}

// run does one scrape.
func (s *scrapeLoop) run() error {
	now := s.next
	s.next += s.Interval.Milliseconds()
	s.round++
	s.found = s.found[:0]
	moved := false
	s.Collect(now, func(l labels.Labels, v float64) {
		var series *scraped
		if i := len(s.found); i < len(s.before) && labels.Equal(s.before[i].labels, l) {
			series = s.before[i]
		} else {
			moved = true
			series = s.lookup(l)
		}
		if series.round == s.round && s.err == nil {
			s.err = fmt.Errorf("the scrape at %s has series %s twice", formatTime(now), l)
		}
		series.round = s.round
		s.found = append(s.found, series)
		s.write(series.series, now, v)
	})
	if moved || len(s.found) < len(s.before) {
		s.endVanished(now)
	}
	s.before, s.found = s.found, s.before
	return s.err
}

// lookup finds or creates the series with these labels.
func (s *scrapeLoop) lookup(l labels.Labels) *scraped {
	hash := l.Hash()
	for _, series := range s.known[hash] {
		if labels.Equal(series.labels, l) {
			return series
		}
	}
	series := &scraped{labels: l, series: s.store.Series(l)}
	s.known[hash] = append(s.known[hash], series)
	return series
}

// endVanished writes stale markers for the series of the last scrape that this
// one does not have.
func (s *scrapeLoop) endVanished(now int64) {
	for _, series := range s.before {
		if series.round == s.round {
			continue
		}
		s.write(series.series, now, staleMarker)
		hash := series.labels.Hash()
		chain := s.known[hash]
		for i, other := range chain {
			if other == series {
				chain = append(chain[:i], chain[i+1:]...)
				break
			}
		}
		if s.known[hash] = chain; len(chain) == 0 {
			delete(s.known, hash)
		}
	}
}

// write appends a sample, now or after the delay.
func (s *scrapeLoop) write(series *Series, t int64, v float64) {
	if s.IngestDelay > 0 {
		s.waiting = append(s.waiting, waitingSample{series: series, t: t, v: v})
		return
	}
	if err := series.Append(t, v); err != nil && s.err == nil {
		s.err = err
	}
}

// release makes the samples visible whose delay is over.
func (s *scrapeLoop) release(now int64) error {
	n := 0
	for n < len(s.waiting) && s.waiting[n].t+s.IngestDelay.Milliseconds() <= now {
		if err := s.waiting[n].series.Append(s.waiting[n].t, s.waiting[n].v); err != nil {
			return err
		}
		n++
	}
	s.waiting = append(s.waiting[:0], s.waiting[n:]...)
	return nil
}
