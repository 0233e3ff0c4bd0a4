package recording

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// A QueryAPI reads raw samples by instant queries of range selectors. Stale
// markers are lost: the engine never returns them.
type QueryAPI struct {
	url *url.URL
	api prometheus.API
	// dialect knows what kind of server answers.
	dialect *dialectClient
}

// NewQueryAPI reads from the Prometheus at address with the given client.
func NewQueryAPI(address string, client *http.Client) (*QueryAPI, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	c, err := api.NewClient(api.Config{Address: u.String(), Client: bounded(client)})
	if err != nil {
		return nil, fmt.Errorf("%s: query API: %w", public(u), err)
	}
	dialect := &dialectClient{Client: c}
	return &QueryAPI{url: u, api: prometheus.NewAPI(dialect), dialect: dialect}, nil
}

// Address returns the URL without secrets.
func (q *QueryAPI) Address() string { return public(q.url) }

// StaleMarkers is false.
func (q *QueryAPI) StaleMarkers() bool { return false }

// shortestRead is where Read gives up halving, in milliseconds.
const shortestRead = 60_000

// Read implements Source. Where the server cannot answer for the whole range,
// as when it limits samples per query, or where the answer would be longer than
// limit.Answer, it is asked for halves.
func (q *QueryAPI) Read(ctx context.Context, matchers []*labels.Matcher, from, to int64, visit func(storage.Series) error) error {
	// Ranges are open to the left since Prometheus 3 and closed before, so one
	// millisecond more is asked for and what is too early is left out.
	query := fmt.Sprintf("%s[%dms]", Selector{Matchers: matchers}, to-from+1)
	result, warnings, _, err := q.api.Query(ctx, query, time.UnixMilli(to))
	if err == nil {
		err = checkWarnings(warnings)
	}
	var failed *prometheus.Error
	var long *longAnswer
	if (errors.As(err, &failed) && (failed.Type == prometheus.ErrExec || failed.Type == victoriaExec) || errors.As(err, &long)) && to-from > shortestRead {
		middle := from + (to-from)/2
		if err := q.Read(ctx, matchers, from, middle, visit); err != nil {
			return err
		}
		return q.Read(ctx, matchers, middle+1, to, visit)
	}
	if err != nil {
		return fmt.Errorf("%s: query %s: %w", q.Address(), quoted(query), q.hide(err))
	}
	matrix, ok := result.(model.Matrix)
	if !ok {
		return fmt.Errorf("%s: query %s: the answer is no matrix", q.Address(), quoted(query))
	}
	for _, stream := range matrix {
		times := make([]int64, 0, len(stream.Values))
		for _, pair := range stream.Values {
			times = append(times, int64(pair.Timestamp))
		}
		if resolution := downsampled(times); resolution > 0 {
			return fmt.Errorf("%s: %w", q.Address(), errDownsampled(labelsOf(stream.Metric), resolution))
		}
		if len(stream.Histograms) > 0 {
			return fmt.Errorf("%s: %s is a native histogram, which the query API does not return completely; record it by remote read", q.Address(), stream.Metric)
		}
		if err := visit(rawSeries(stream, from, q.dialect.victoria.Load())); err != nil {
			return err
		}
	}
	return nil
}

// rawSeries leaves out what is earlier than from. Where NaN means that a series has
// ended, it is a stale marker.
func rawSeries(stream *model.SampleStream, from int64, nanEnds bool) storage.Series {
	var samples []chunks.Sample
	for _, pair := range stream.Values {
		if int64(pair.Timestamp) >= from {
			f := float64(pair.Value)
			if nanEnds && math.IsNaN(f) {
				f = math.Float64frombits(value.StaleNaN)
			}
			samples = append(samples, builtSample{t: int64(pair.Timestamp), f: f})
		}
	}
	return storage.NewListSeries(labelsOf(stream.Metric), samples)
}

func labelsOf(metric model.Metric) labels.Labels {
	builder := labels.NewScratchBuilder(len(metric))
	for name, value := range metric {
		builder.Add(string(name), string(value))
	}
	builder.Sort()
	return builder.Labels()
}

// hide leaves the request's URL out of transport errors: it may carry a password.
func (q *QueryAPI) hide(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return flat(err)
}

// Evaluate implements Evaluator.
func (q *QueryAPI) Evaluate(ctx context.Context, query string, start, step, count int64) (model.Matrix, error) {
	result, warnings, _, err := q.api.QueryRange(ctx, query, prometheus.Range{
		Start: time.UnixMilli(start),
		End:   time.UnixMilli(start + (count-1)*step),
		Step:  time.Duration(step) * time.Millisecond,
	})
	if err == nil {
		err = checkWarnings(warnings)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: query %s: %w", q.Address(), quoted(query), q.hide(err))
	}
	matrix, ok := result.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s: query %s: the answer is no matrix", q.Address(), quoted(query))
	}
	return matrix, nil
}
