package fake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// A plan evaluates one expression at any number of instants, parsing it once.
//
// The engine loses the order of series in places (prometheus_order.go says
// where). Where that could change a result, the part of the expression in
// question is a plan of its own: its result is sorted by labels and put into the
// expression as if it had been selected.
type plan struct {
	kind  parser.ValueType
	query promql.Query
	stmt  *parser.EvalStmt
	// selectors and arguments are what an evaluation changes in the expression.
	selectors []*parser.VectorSelector
	arguments []argument
	parts     []part
}

// An argument is one of a call's arguments.
type argument struct {
	call  *parser.Call
	index int
	expr  parser.Expr
}

// A part is a piece of an expression that is evaluated ahead of the rest.
type part struct {
	plan *plan
	// target gets the result.
	target *parser.VectorSelector
	// subquery, if there is one, says at which steps to evaluate; otherwise the
	// part is evaluated at the instant of the whole.
	subquery *parser.SubqueryExpr
}

// A planner makes and runs plans over one store, seen through a view.
type planner struct {
	engine   *promql.Engine
	store    *Store
	view     View // of the query in evaluation; nil shows the store as it is
	parser   *presetParser
	lookback time.Duration
	// maxSamples bounds what a part of an expression may hold; the engine keeps
	// to it by itself.
	maxSamples int
	// subqueryStep is the step of subqueries that give none, in milliseconds.
	subqueryStep int64
}

// A presetParser hands the engine an expression that is parsed already.
type presetParser struct {
	parser.Parser
	preset parser.Expr
}

// ParseExpr implements parser.Parser.
func (p *presetParser) ParseExpr(input string) (parser.Expr, error) {
	if p.preset != nil {
		return p.preset, nil
	}
	return p.Parser.ParseExpr(input)
}

func newPlanner(store *Store, o Options) *planner {
	p := &planner{
		store:        store,
		lookback:     o.Lookback,
		parser:       &presetParser{Parser: o.Features.Parser()},
		maxSamples:   o.MaxSamples,
		subqueryStep: o.EvaluationInterval.Milliseconds(),
	}
	p.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples:               o.MaxSamples,
		Timeout:                  engineTimeout,
		LookbackDelta:            o.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return p.subqueryStep },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnableDelayedNameRemoval: o.Features.delayedNameRemoval,
		Parser:                   p.parser,
	})
	return p
}

// plan makes a plan for an expression, which it takes over.
func (p *planner) plan(expr parser.Expr) (*plan, error) {
	pl := &plan{kind: expr.Type()}
	if err := p.split(pl, &expr); err != nil {
		return nil, err
	}
	p.parser.preset = expr
	query, err := p.engine.NewInstantQuery(context.Background(), p, nil, expr.String(), time.UnixMilli(0))
	p.parser.preset = nil
	if err != nil {
		return nil, err
	}
	pl.query = query
	pl.stmt = query.Statement().(*parser.EvalStmt)
	pl.collect(p.store)
	return pl, nil
}

// collect notes what must be restored before each evaluation.
func (pl *plan) collect(store *Store) {
	targets := map[*parser.VectorSelector]bool{}
	for _, part := range pl.parts {
		targets[part.target] = true
	}
	parser.Inspect(pl.stmt.Expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			if !targets[n] {
				store.remember(n.LabelMatchers)
				pl.selectors = append(pl.selectors, n)
			}
		case *parser.AggregateExpr:
			// The engine appends to it for count_values.
			n.Grouping = slices.Clip(n.Grouping)
		case *parser.Call:
			for i, arg := range n.Args {
				if _, ok := arg.(*parser.SubqueryExpr); ok {
					pl.arguments = append(pl.arguments, argument{call: n, index: i, expr: arg})
				}
			}
		}
		return nil
	})
}

// release ends the use of a plan.
func (p *planner) release(pl *plan) {
	for _, s := range pl.selectors {
		p.store.forget(s.LabelMatchers)
	}
	for _, part := range pl.parts {
		p.release(part.plan)
	}
}

// run evaluates the plan at an instant (Unix milliseconds).
func (p *planner) run(ctx context.Context, pl *plan, at int64) (parser.Value, annotations.Annotations, error) {
	var warnings annotations.Annotations
	for i := range pl.parts {
		w, err := p.fill(ctx, &pl.parts[i], at)
		if err != nil {
			return nil, nil, err
		}
		warnings.Merge(w)
	}
	pl.stmt.Start = time.UnixMilli(at).UTC()
	pl.stmt.End = pl.stmt.Start
	for _, s := range pl.selectors {
		s.Series, s.UnexpandedSeriesSet = nil, nil
	}
	for _, a := range pl.arguments {
		a.call.Args[a.index] = a.expr
	}
	result := pl.query.Exec(ctx)
	if result.Err != nil {
		return nil, nil, result.Err
	}
	if pl.kind == parser.ValueTypeVector || pl.kind == parser.ValueTypeScalar {
		// Their values have been copied out of the buffers that Close gives back.
		pl.query.Close()
	}
	if len(warnings) > 0 {
		result.Warnings = warnings.Merge(result.Warnings)
	}
	return result.Value, result.Warnings, nil
}

// fill evaluates a part and puts the result, sorted by labels, into its place.
func (p *planner) fill(ctx context.Context, part *part, at int64) (annotations.Annotations, error) {
	from, to, step := at, at, int64(1)
	part.target.OriginalOffset = 0
	if part.subquery != nil {
		from, to, step = p.steps(part.subquery, at)
		part.target.OriginalOffset = time.Duration(at-to) * time.Millisecond
	}
	var warnings annotations.Annotations
	gathered := newGathering()
	for t := from; t <= to; t += step {
		value, w, err := p.run(ctx, part.plan, t)
		if err != nil {
			return nil, err
		}
		warnings.Merge(w)
		if err := gathered.add(value, t); err != nil {
			return nil, err
		}
		if gathered.samples > p.maxSamples {
			return nil, promql.ErrTooManySamples("subquery")
		}
	}
	part.target.Series = gathered.series(part.subquery != nil)
	return warnings, nil
}

// steps returns the instants at which a subquery is evaluated: the multiples of
// its step in (end-range, end].
func (p *planner) steps(sub *parser.SubqueryExpr, at int64) (from, to, step int64) {
	end := at
	if sub.Timestamp != nil {
		end = *sub.Timestamp
	}
	end -= sub.OriginalOffset.Milliseconds()
	step = sub.Step.Milliseconds()
	if step == 0 {
		step = p.subqueryStep
	}
	open := end - sub.Range.Milliseconds()
	from = step * (open / step)
	if from <= open {
		from += step
	}
	return from, end, step
}

// A gathering collects vectors into series.
type gathering struct {
	matrix  promql.Matrix
	index   map[uint64][]int
	samples int
}

func newGathering() *gathering { return &gathering{index: map[uint64][]int{}} }

func (g *gathering) add(value parser.Value, t int64) error {
	switch v := value.(type) {
	case promql.Vector:
		for _, s := range v {
			g.addSample(s, t)
		}
	case promql.Scalar:
		g.addSample(promql.Sample{F: v.V}, t)
	default:
		return fmt.Errorf("a part of the expression is a %s", value.Type())
	}
	return nil
}

func (g *gathering) addSample(s promql.Sample, t int64) {
	g.samples++
	series := g.find(s)
	if s.H != nil {
		series.Histograms = append(series.Histograms, promql.HPoint{T: t, H: s.H})
	} else {
		series.Floats = append(series.Floats, promql.FPoint{T: t, F: s.F})
	}
}

func (g *gathering) find(s promql.Sample) *promql.Series {
	hash := s.Metric.Hash()
	for _, i := range g.index[hash] {
		if labels.Equal(g.matrix[i].Metric, s.Metric) {
			return &g.matrix[i]
		}
	}
	g.index[hash] = append(g.index[hash], len(g.matrix))
	g.matrix = append(g.matrix, promql.Series{Metric: s.Metric, DropName: s.DropName})
	return &g.matrix[len(g.matrix)-1]
}

// series returns what was gathered, sorted by labels. As in the engine, samples
// of a subquery lose what they know of counter resets.
func (g *gathering) series(subquery bool) []storage.Series {
	sortMatrix(g.matrix)
	out := make([]storage.Series, len(g.matrix))
	for i, s := range g.matrix {
		if subquery {
			forgetResets(s.Histograms)
		}
		out[i] = promql.NewStorageSeries(s)
	}
	return out
}

func forgetResets(points []promql.HPoint) {
	for i, p := range points {
		if hint := p.H.CounterResetHint; hint == histogram.CounterReset || hint == histogram.NotCounterReset {
			h := *p.H
			h.CounterResetHint = histogram.UnknownCounterReset
			points[i].H = &h
		}
	}
}
