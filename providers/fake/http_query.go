package fake

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxRangePoints is Prometheus' limit on the steps of a range query over HTTP.
const maxRangePoints = 11_000

// queryData is the data of a query's answer.
type queryData struct {
	ResultType parser.ValueType `json:"resultType"`
	Result     parser.Value     `json:"result"`
}

// prepareRequest makes a plan for a request's query. It is not kept: anybody may
// ask anything over HTTP, and that must not fill the memory.
func (p *Prometheus) prepareRequest(r *http.Request, at int64) (*preparedQuery, func(), error) {
	q := p.planner.prepare(r.FormValue("query"), at)
	if q.err != nil {
		var syntax parser.ParseErrors
		if errors.As(q.err, &syntax) {
			return nil, nil, badData("invalid parameter \"query\": %w", syntax)
		}
		return nil, nil, badData("invalid parameter \"query\": %w", q.err)
	}
	return q, func() { p.planner.release(q.plan) }, nil
}

func serveQuery(p *Prometheus, r *http.Request) (answer, error) {
	at, err := timeParameter(r, "time", p.reached())
	if err != nil {
		return answer{}, err
	}
	q, release, err := p.prepareRequest(r, at)
	if err != nil {
		return answer{}, err
	}
	defer release()
	if q.from(at) < p.store.pruned {
		return answer{}, executionFailed(droppedError(q, at, p.store.pruned))
	}
	p.look(Reading{By: Policy, Query: q.text, From: q.from(at)})
	value, warnings, err := p.planner.run(r.Context(), q.plan, at)
	if err != nil {
		return answer{}, executionFailed(err)
	}
	if v, ok := value.(promql.Vector); ok && !q.ordered {
		sortVector(v)
	}
	return answer{data: queryData{value.Type(), value}, warnings: warnings, query: q.text}, nil
}

func serveQueryRange(p *Prometheus, r *http.Request) (answer, error) {
	from, err := requiredTime(r, "start")
	if err != nil {
		return answer{}, err
	}
	to, err := requiredTime(r, "end")
	if err != nil {
		return answer{}, err
	}
	if to < from {
		return answer{}, badData("invalid parameter \"end\": end timestamp must not be before start time")
	}
	step, err := durationParameter(r, "step")
	if err != nil {
		return answer{}, err
	}
	if step < time.Millisecond {
		return answer{}, badData("invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer")
	}
	if (to-from)/step.Milliseconds() > maxRangePoints {
		return answer{}, badData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	q, release, err := p.prepareRequest(r, from)
	if err != nil {
		return answer{}, err
	}
	defer release()
	if q.plan.kind != parser.ValueTypeVector && q.plan.kind != parser.ValueTypeScalar {
		return answer{}, badData("invalid parameter \"query\": invalid expression type %q for range query, must be Scalar or instant Vector", parser.DocumentedType(q.plan.kind))
	}
	matrix, err := p.rangeOf(r.Context(), q, from, to, step)
	if err != nil {
		return answer{}, executionFailed(err)
	}
	if matrix == nil {
		// null would not be a list.
		matrix = promql.Matrix{}
	}
	return answer{data: queryData{matrix.Type(), matrix}, query: q.text}, nil
}

// sortedAnnotations returns the texts of warnings and infos.
func sortedAnnotations(a answer) (warnings, infos []string) {
	if len(a.warnings) == 0 {
		return nil, nil
	}
	warnings, infos = a.warnings.AsStrings(a.query, 0, 0)
	slices.Sort(warnings)
	slices.Sort(infos)
	return warnings, infos
}

// selectors reads match[], start and end.
func (p *Prometheus) selectors(r *http.Request) ([][]*labels.Matcher, *querier, error) {
	from, err := timeParameter(r, "start", math.MinInt64)
	if err != nil {
		return nil, nil, err
	}
	to, err := timeParameter(r, "end", math.MaxInt64-1)
	if err != nil {
		return nil, nil, err
	}
	sets, err := p.planner.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, nil, badData("invalid parameter \"match[]\": %w", err)
	}
	return sets, &querier{store: p.store, mint: from, maxt: to}, nil
}

func serveSeries(p *Prometheus, r *http.Request) (answer, error) {
	if len(r.Form["match[]"]) == 0 {
		return answer{}, badData("no match[] parameter provided")
	}
	sets, q, err := p.selectors(r)
	if err != nil {
		return answer{}, err
	}
	limit, err := limitParameter(r)
	if err != nil {
		return answer{}, err
	}
	found := []labels.Labels{}
	for _, matchers := range sets {
		q.eachMatching(matchers, func(l labels.Labels) { found = append(found, l) })
	}
	slices.SortFunc(found, labels.Compare)
	found = slices.CompactFunc(found, labels.Equal)
	if limit > 0 && len(found) > limit {
		return answer{data: found[:limit], warnings: truncated()}, nil
	}
	return answer{data: found}, nil
}

func serveLabels(p *Prometheus, r *http.Request) (answer, error) {
	return serveNames(p, r, func(q *querier, matchers []*labels.Matcher) []string {
		names, _, _ := q.LabelNames(r.Context(), nil, matchers...)
		return names
	})
}

func serveLabelValues(p *Prometheus, r *http.Request) (answer, error) {
	name := model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping)
	if !model.UTF8Validation.IsValidLabelName(name) {
		return answer{}, badData("invalid label name: %q", name)
	}
	return serveNames(p, r, func(q *querier, matchers []*labels.Matcher) []string {
		values, _, _ := q.LabelValues(r.Context(), name, nil, matchers...)
		return values
	})
}

// metricMetadata holds what is known of a metric. Samples come without types, help and
// units.
type metricMetadata struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

func serveMetadata(p *Prometheus, r *http.Request) (answer, error) {
	limit, err := limitParameter(r)
	if err != nil {
		return answer{}, err
	}
	_, q, err := p.selectors(r)
	if err != nil {
		return answer{}, err
	}
	names, _, err := q.LabelValues(r.Context(), model.MetricNameLabel, nil)
	if err != nil {
		return answer{}, executionFailed(err)
	}
	slices.Sort(names)
	known := map[string][]metricMetadata{}
	for _, name := range names {
		if limit > 0 && len(known) == limit {
			break
		}
		if wanted := r.FormValue("metric"); wanted == "" || wanted == name {
			known[name] = []metricMetadata{{Type: string(model.MetricTypeUnknown)}}
		}
	}
	return answer{data: known}, nil
}

// serveNames unites what list returns for each selector, or for everything.
func serveNames(p *Prometheus, r *http.Request, list func(*querier, []*labels.Matcher) []string) (answer, error) {
	sets, q, err := p.selectors(r)
	if err != nil {
		return answer{}, err
	}
	limit, err := limitParameter(r)
	if err != nil {
		return answer{}, err
	}
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	union := map[string]struct{}{}
	for _, matchers := range sets {
		for _, name := range list(q, matchers) {
			union[name] = struct{}{}
		}
	}
	names := sortedKeys(union, &storage.LabelHints{Limit: limit})
	if names == nil {
		names = []string{}
	}
	if len(names) < len(union) {
		return answer{data: names, warnings: truncated()}, nil
	}
	return answer{data: names}, nil
}

func truncated() annotations.Annotations {
	a := annotations.Annotations{}
	return a.Add(errors.New("results truncated due to limit"))
}
