package runs

import (
	"context"
	"time"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/ruletest"
)

// runRuleTests runs the tests in their order.
func runRuleTests(ctx context.Context, files []*ruletest.File) ([]*reports.RuleTest, error) {
	var out []*reports.RuleTest
	for _, f := range files {
		test := &reports.RuleTest{File: f.Path, Cases: []reports.RuleTestCase{}}
		for i := range f.Tests {
			t := &f.Tests[i]
			failures, err := f.Run(ctx, t)
			if err != nil {
				return nil, err
			}
			c := reports.RuleTestCase{Name: t.Name, Line: t.Position.Line, Seconds: int64(t.Length() / time.Second)}
			for _, failure := range failures {
				c.Failures = append(c.Failures, reports.RuleTestFailure{
					Line: failure.Position.Line, Title: failure.Title, Expected: failure.Expected, Got: failure.Got, Message: failure.Message,
				})
			}
			test.Cases = append(test.Cases, c)
		}
		out = append(out, test)
	}
	return out, nil
}
