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
	// It must not call the Prometheus, which waits for it.
	Collect func(now int64, emit func(l labels.Labels, v float64))
}

// AddScrape adds a scrape loop. Scrape runs it when it is due, and gives series
// that have vanished since the last scrape a stale marker.
func (p *Prometheus) AddScrape(s Scrape) error {
	if s.Interval.Milliseconds() <= 0 || s.IngestDelay < 0 {
		return fmt.Errorf("scrape interval %v, ingest delay %v: the interval must be at least 1ms, the delay not negative", s.Interval, s.IngestDelay)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	loop := &scrapeLoop{Scrape: s, next: s.Start, series: newTracker(p.store)}
	loop.emit = loop.collected
	p.scrapes = append(p.scrapes, loop)
	return nil
}

// Scrape runs the scrapes that are due at or before now (Unix milliseconds), in
// the order of time, then of AddScrape. The caller says when: what is decided at
// an instant sees the scrape before it, and is seen by the scrape at it.
func (p *Prometheus) Scrape(now int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var first *scrapeLoop
		for _, s := range p.scrapes {
			if s.next <= now && (first == nil || s.next < first.next) {
				first = s
			}
		}
		if first == nil {
			return nil
		}
		if err := first.run(); err != nil {
			return err
		}
	}
}

// release makes visible the scraped samples whose delay is over.
func (p *Prometheus) release(now int64) error {
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
	// next is the instant of the next scrape.
	next   int64
	series tracker
	// waiting are the samples that are not visible yet, oldest first.
	waiting []waitingSample
	// now and err belong to the scrape in progress.
	now int64
	err error
	// emit is s.collected, bound once.
	emit func(labels.Labels, float64)
}

type waitingSample struct {
	series *Series
	t      int64
	v      float64
}

// run does one scrape.
func (s *scrapeLoop) run() error {
	s.now = s.next
	s.next += s.Interval.Milliseconds()
	s.series.begin()
	s.Collect(s.now, s.emit)
	s.series.end(func(gone *Series) { s.write(gone, staleMarker) })
	return s.err
}

// collected takes one sample of the scrape in progress.
func (s *scrapeLoop) collected(l labels.Labels, v float64) {
	series, first := s.series.track(l)
	if !first {
		s.fail(fmt.Errorf("the scrape at %s has series %s twice", formatTime(s.now), l))
		return
	}
	s.write(series, v)
}

// write appends a sample, now or after the delay.
func (s *scrapeLoop) write(series *Series, v float64) {
	if s.IngestDelay > 0 {
		s.waiting = append(s.waiting, waitingSample{series: series, t: s.now, v: v})
		return
	}
	s.fail(series.Append(s.now, v))
}

// fail keeps the first error.
func (s *scrapeLoop) fail(err error) {
	if s.err == nil {
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
	if n > 0 {
		s.waiting = append(s.waiting[:0], s.waiting[n:]...)
	}
	return nil
}
