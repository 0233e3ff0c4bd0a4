package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

const (
	// evaluatedFile has the results of an evaluated recording.
	evaluatedFile = "evaluated.om.gz"
	// samplesSeries is the size of a query's result, valueSeries the value of
	// a result of one sample. Both have an entry only where they change.
	samplesSeries = "karpenter_evaluated_samples"
	valueSeries   = "karpenter_evaluated_value"
	// queryLabel carries the digest of the query.
	queryLabel = "query"
)

// Evaluated is the results of one query on a grid of instants.
type Evaluated struct {
	query     EvaluatedQuery
	recording *Recording
	samples   changes
	values    changes
}

// changes are the values of a quantity that is kept only where it changes.
type changes struct {
	at     []int64
	values []float64
}

func (c *changes) add(t int64, v float64) {
	c.at = append(c.at, t)
	c.values = append(c.values, v)
}

// before is the newest value at or before t.
func (c *changes) before(t int64) (float64, bool) {
	i := sort.Search(len(c.at), func(i int) bool { return c.at[i] > t })
	if i == 0 {
		return 0, false
	}
	return c.values[i-1], true
}

func (e *Evaluated) add(name string, t int64, v float64) {
	switch name {
	case samplesSeries:
		e.samples.add(t, v)
	case valueSeries:
		e.values.add(t, v)
	}
}

// At returns the query's result at an instant: the number of samples and, if
// it is one, its value. It is an error if the query was not evaluated then.
func (e *Evaluated) At(t int64) (samples int, value float64, err error) {
	at := t - e.recording.delta
	q := e.query
	if at < q.Start || (at-q.Start)%q.Step != 0 || (at-q.Start)/q.Step >= q.Count {
		return 0, 0, fmt.Errorf("%s: query %s was not evaluated at %s, only every %s from %s, %d times; record again with this grid, or without --evaluated",
			e.recording.info.Path, quoted(q.Query), instant(t), time.Duration(q.Step)*time.Millisecond, instant(q.Start+e.recording.delta), q.Count)
	}
	n, ok := e.samples.before(at)
	if !ok || n != 1 {
		return int(n), 0, nil
	}
	value, _ = e.values.before(at)
	if e.recording.scales() {
		value *= e.recording.scale
	}
	return 1, value, nil
}

// Evaluated returns the stored results of a query, which may be formatted in
// another way than it was. A query that was not recorded, for example because
// it has been changed since, is an error.
func (r *Recording) Evaluated(query string) (*Evaluated, error) {
	if r.evaluated == nil {
		return nil, fmt.Errorf("%s: not an evaluated recording", r.info.Path)
	}
	if e := r.evaluated[queryDigest(query)]; e != nil {
		return e, nil
	}
	var recorded []string
	for _, q := range r.info.Manifest.Queries {
		recorded = append(recorded, q.Query)
	}
	return nil, fmt.Errorf("%s: no results of query %s; it has results of %s: a changed query needs a new recording, or one without --evaluated",
		r.info.Path, quoted(query), listed(recorded))
}

// queryDigest identifies a query whatever its formatting.
func queryDigest(query string) string {
	if expr, err := fake.EveryFeature.Parser().ParseExpr(query); err == nil {
		query = expr.String()
	}
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:8])
}

// instant shows Unix milliseconds.
func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
