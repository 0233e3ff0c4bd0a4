package fake

import "math"

// Scrape runs the scrapes that are due at now, so that the caller decides what
// happens before them at the same instant.
func (p *Prometheus) Scrape(now int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scrape(now)
}

// NextRules returns the instant of the next rule evaluation, math.MaxInt64 if
// there is none.
func (p *Prometheus) NextRules() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := int64(math.MaxInt64)
	for _, g := range p.rules {
		next = min(next, g.next)
	}
	return next
}
