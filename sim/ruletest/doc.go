// Package ruletest runs the unit tests of rules that `promtool test rules` takes, over
// the Prometheus of the simulations: the same files, read as strictly, with the same
// results.
//
// Each test has a Prometheus of its own that begins at start_timestamp, or at 0. All
// groups are evaluated at every evaluation_interval, whatever intervals they name, until
// the last eval_time; alerts are compared after the evaluation before their eval_time,
// expressions in the end. The lookback is 5m.
//
// It differs from promtool in what that leaves to chance or to its limits: groups that
// group_eval_order does not name keep the order of their files, a query may hold
// limit.Samples samples instead of 10,000, and PrometheusRule manifests are rule files.
package ruletest
