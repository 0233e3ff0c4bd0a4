package recording

import (
	"encoding/json"
	"fmt"
	"time"
)

// defaultChunk is the time that Record reads at once.
const defaultChunk = 2 * time.Hour

// A Plan says what Record saves.
type Plan struct {
	// Selectors are the series to save. Their reach before and after the
	// query's instant widens the time they are saved for, as does Lookback.
	Selectors []Selector
	// Queries are the queries behind the selectors, for the manifest only.
	Queries []string
	// From and To bound the instants at which the queries will be evaluated,
	// Unix milliseconds, inclusive.
	From, To int64
	// Lookback is the lookback of the queries; 0 means 5 minutes.
	Lookback time.Duration
	// Window is how much earlier the first evaluation is, e.g. by the longest
	// stabilization window.
	Window time.Duration
	// Chunk is the time read at once, at least a minute; 0 means 2 hours.
	Chunk time.Duration
}

func (p Plan) check() error {
	switch {
	case p.From > p.To:
		return fmt.Errorf("recording from %s to %s: the end is before the start", instant(p.From), instant(p.To))
	case len(p.Selectors) == 0:
		return fmt.Errorf("nothing to record: no selectors")
	case p.Chunk != 0 && p.Chunk < time.Minute:
		return fmt.Errorf("recording in chunks of %s: at least 1m", p.Chunk)
	}
	return nil
}

// bounds is the time that the samples are saved for: one range for all
// selectors, since a series may be behind several.
func (p Plan) bounds() (from, to int64) {
	lookback := p.Lookback
	if lookback == 0 {
		lookback = 5 * time.Minute
	}
	reach := (lookback + p.Window).Milliseconds()
	from, to = p.From-reach, p.To
	for _, s := range p.Selectors {
		first, last := p.From-p.Window.Milliseconds(), p.To
		if s.At != nil {
			first, last = *s.At, *s.At
		}
		from = min(from, first-s.Before-lookback.Milliseconds())
		to = max(to, last+s.After)
	}
	return from, to
}

// chunks divides the bounds at multiples of the chunk's length.
func (p Plan) chunks() []span {
	length := p.Chunk.Milliseconds()
	if length == 0 {
		length = defaultChunk.Milliseconds()
	}
	from, to := p.bounds()
	var spans []span
	for from <= to {
		end := min(to, from-mod(from, length)+length-1)
		spans = append(spans, span{from, end})
		from = end + 1
	}
	return spans
}

// A span is a stretch of time, both ends included.
type span struct{ from, to int64 }

func mod(t, length int64) int64 { return ((t % length) + length) % length }

func (p Plan) selectorTexts() []string {
	var texts []string
	for _, s := range p.Selectors {
		texts = append(texts, s.String())
	}
	return texts
}

// key tells plans apart when a recording is resumed.
func (p Plan) key(source string) (string, error) {
	from, to := p.bounds()
	text, err := json.Marshal(struct {
		Source    string
		Selectors []string
		From, To  int64
		Chunk     time.Duration
	}{source, p.selectorTexts(), from, to, p.Chunk})
	return string(text), err
}
