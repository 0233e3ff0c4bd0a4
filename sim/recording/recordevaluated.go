package recording

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"
)

// An Evaluator evaluates queries on a grid of instants.
type Evaluator interface {
	// Address is the source's URL without user, password and query.
	Address() string
	// Evaluate returns the result at count instants from start, step
	// milliseconds apart, as range queries do: what has no sample is missing.
	Evaluate(ctx context.Context, query string, start, step, count int64) (model.Matrix, error)
}

// RecordEvaluated saves the results of queries, each on the grid that it gives,
// to the directory dir, new or empty. Digests are filled in. report, if
// not nil, is called after each query.
func RecordEvaluated(ctx context.Context, source Evaluator, queries []EvaluatedQuery, dir string, report func(Progress)) error {
	m, err := evaluatedManifest(source.Address(), queries)
	if err != nil {
		return err
	}
	out, err := openOutput(dir)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := writeEvaluated(ctx, source, m.Queries, out.Set(), report); err != nil {
		return err
	}
	if err := writeManifest(out.Set(), m); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return pathError(dir, err)
	}
	return nil
}

func evaluatedManifest(source string, queries []EvaluatedQuery) (*Manifest, error) {
	m := &Manifest{Version: manifestVersion, Source: source, Evaluated: true, From: math.MaxInt64, To: math.MinInt64}
	for _, q := range queries {
		if q.Step <= 0 || q.Count <= 0 {
			return nil, fmt.Errorf("query %s: %d evaluations %d ms apart; both must be positive", quoted(q.Query), q.Count, q.Step)
		}
		q.Digest = queryDigest(q.Query)
		if slices.ContainsFunc(m.Queries, func(other EvaluatedQuery) bool { return other.Digest == q.Digest }) {
			return nil, fmt.Errorf("query %s stands twice; give it once, on a grid for all who ask it", quoted(q.Query))
		}
		m.From, m.To = min(m.From, q.Start), max(m.To, q.Start+(q.Count-1)*q.Step)
		m.Queries = append(m.Queries, q)
	}
	if len(m.Queries) == 0 {
		return nil, errors.New("nothing to record: no queries")
	}
	return m, nil
}

// writeEvaluated writes the results as gzipped OpenMetrics text.
func writeEvaluated(ctx context.Context, source Evaluator, queries []EvaluatedQuery, dir string, report func(Progress)) (err error) {
	path := filepath.Join(dir, evaluatedFile)
	file, err := os.Create(path)
	if err != nil {
		return pathError(path, err)
	}
	zip := gzip.NewWriter(file)
	w := &evaluatedWriter{text: bufio.NewWriter(zip)}
	progress := Progress{Chunks: len(queries)}
	var values []func()
	w.line("# TYPE " + samplesSeries + " gauge")
	for _, q := range queries {
		results, err := evaluate(ctx, source, q)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		w.series(samplesSeries, q, results.counts)
		values = append(values, func() { w.series(valueSeries, q, results.values) })
		progress.Done++
		progress.Series++
		progress.Samples += q.Count
		if report != nil {
			report(progress)
		}
	}
	w.line("# TYPE " + valueSeries + " gauge")
	for _, write := range values {
		write()
	}
	w.line("# EOF")
	if err := errors.Join(w.text.Flush(), zip.Close(), file.Close()); err != nil {
		return pathError(path, err)
	}
	return nil
}

// results are a query's, by instant; values are NaN where counts is not 1.
type results struct {
	counts, values []float64
}

// evaluateInstants is how many instants are asked for at once: Prometheus
// allows 11,000 in a range query.
const evaluateInstants = 10_000

func evaluate(ctx context.Context, source Evaluator, q EvaluatedQuery) (*results, error) {
	r := &results{counts: make([]float64, q.Count), values: make([]float64, q.Count)}
	size := int64(evaluateInstants)
	if boundByRange(q.Query) {
		size = 1
	}
	for first := int64(0); first < q.Count; first += size {
		start := q.Start + first*q.Step
		matrix, err := source.Evaluate(ctx, q.Query, start, q.Step, min(size, q.Count-first))
		if err != nil {
			return nil, err
		}
		for _, stream := range matrix {
			if len(stream.Histograms) > 0 {
				return nil, fmt.Errorf("query %s yields native histograms, not numbers", quoted(q.Query))
			}
			for _, pair := range stream.Values {
				since := int64(pair.Timestamp) - q.Start
				i := since / q.Step
				if since < 0 || since%q.Step != 0 || i >= q.Count {
					return nil, fmt.Errorf("query %s: the answer has a sample at %s, which was not asked for", quoted(q.Query), instant(int64(pair.Timestamp)))
				}
				r.counts[i]++
				r.values[i] = float64(pair.Value)
			}
		}
	}
	return r, nil
}

// An evaluatedWriter writes series in OpenMetrics text. Errors stay in the
// buffered writer until it is flushed.
type evaluatedWriter struct {
	text *bufio.Writer
}

func (w *evaluatedWriter) line(text string) {
	// A bufio.Writer returns its first error again from Flush.
	_, _ = w.text.WriteString(text)
	_ = w.text.WriteByte('\n')
}

// series writes a value where it differs from the one before, bit for bit.
func (w *evaluatedWriter) series(name string, q EvaluatedQuery, values []float64) {
	for i, v := range values {
		if i > 0 && math.Float64bits(v) == math.Float64bits(values[i-1]) {
			continue
		}
		t := q.Start + int64(i)*q.Step
		w.line(fmt.Sprintf("%s{%s=%q} %s %s", name, queryLabel, q.Digest, strconv.FormatFloat(v, 'g', -1, 64), seconds(t)))
	}
}

// seconds writes milliseconds as OpenMetrics does.
func seconds(ms int64) string {
	if ms%1000 == 0 {
		return strconv.FormatInt(ms/1000, 10)
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64)
}
