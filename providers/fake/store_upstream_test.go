package fake

import (
	"context"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// skippedScripts are the scripts of Prometheus that need more than a Store has.
var skippedScripts = map[string]string{
	"testdata/start_timestamps.test": "start timestamps are not kept",
}

// TestUpstreamScripts runs Prometheus' own acceptance tests over a Store.
func TestUpstreamScripts(t *testing.T) {
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	promqltest.RunBuiltinTestsWithStorage(scriptRunner{t}, engine, func(testing.TB) storage.Storage {
		return &upstreamStorage{Store: NewStore()}
	})
}

type scriptRunner struct{ *testing.T }

func (r scriptRunner) Run(name string, f func(*testing.T)) bool {
	return r.T.Run(name, func(t *testing.T) {
		if why := skippedScripts[name]; why != "" {
			t.Skip(why)
		}
		f(t)
	})
}

// upstreamStorage lets Prometheus' test scripts load samples into a Store. Only
// what they call is there.
type upstreamStorage struct {
	*Store
	storage.Appendable
	storage.ChunkQueryable
}

func (s *upstreamStorage) AppenderV2(context.Context) storage.AppenderV2 {
	return &upstreamAppender{store: s.Store}
}
func (s *upstreamStorage) StartTime() (int64, error) { return 0, nil }
func (s *upstreamStorage) Close() error              { return nil }

type upstreamAppender struct{ store *Store }

func (a *upstreamAppender) Commit() error   { return nil }
func (a *upstreamAppender) Rollback() error { return nil }

func (a *upstreamAppender) Append(_ storage.SeriesRef, l labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	series := a.store.Series(l)
	if h != nil {
		fh = h.ToFloat(nil)
	}
	if fh != nil {
		return 1, series.AppendHistogram(t, fh.Copy())
	}
	return 1, series.Append(t, v)
}
