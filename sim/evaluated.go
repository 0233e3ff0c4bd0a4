package sim

import (
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// evaluated answers an expression from results that were recorded instead of
// samples; nil where there are none.
func (in *Input) evaluated(text string) (func(at int64) (cycle.Result, error), error) {
	for _, rec := range in.recordings {
		m := rec.Info().Manifest
		if m == nil || !m.Evaluated {
			continue
		}
		evaluated, err := rec.Evaluated(text)
		if err != nil {
			return nil, err
		}
		return func(at int64) (cycle.Result, error) {
			samples, value, err := evaluated.At(at)
			if err != nil {
				return cycle.Result{}, fmt.Errorf("%w: %w", err, cycle.ErrUnavailable)
			}
			return cycle.Result{Samples: samples, Value: value}, nil
		}, nil
	}
	return nil, nil
}

// evaluatedShare takes what onAll makes apart where the results of the share were
// recorded instead of its samples; nil for every other expression.
func (in *Input) evaluatedShare(text string) (share func(at int64) (cycle.Result, error), count string) {
	expr, err := fake.EveryFeature.Parser().ParseExpr(text)
	if err != nil {
		return nil, ""
	}
	times, ok := expr.(*parser.BinaryExpr)
	if !ok || times.Op != parser.MUL {
		return nil, ""
	}
	left, ok := times.LHS.(*parser.ParenExpr)
	if !ok {
		return nil, ""
	}
	right, ok := times.RHS.(*parser.Call)
	if !ok || right.Func.Name != "scalar" {
		return nil, ""
	}
	if share, err = in.evaluated(left.Expr.String()); err != nil {
		return nil, "" // it was not recorded either
	}
	return share, right.Args[0].String()
}

// product multiplies a share by a count where there is one of each.
func product(share, count func(at int64) (cycle.Result, error)) func(at int64) (cycle.Result, error) {
	return func(at int64) (cycle.Result, error) {
		result, err := share(at)
		if err != nil || result.Samples != 1 {
			return result, err
		}
		n, err := count(at)
		if err != nil || n.Samples != 1 {
			return cycle.Result{}, err
		}
		return cycle.Result{Samples: 1, Value: result.Value * n.Value}, nil
	}
}
