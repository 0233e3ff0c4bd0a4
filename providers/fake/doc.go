// Package fake has the outside world of a simulation: a Prometheus without a
// server and a cloud without machines.
//
// # Prometheus
//
// [Prometheus] evaluates PromQL with Prometheus' own engine over an in-memory
// [Store]. Nothing in it reads a clock: the caller advances it.
//
//   - [Prometheus.Attach] adds a [Feed] of recorded or synthetic samples,
//     [Prometheus.AddScrape] a loop that collects simulated ones,
//     [Prometheus.LoadRules] recording and alerting rules.
//   - [Prometheus.Advance] makes visible what has happened up to an instant.
//     No later sample is ever in the store, so neither a negative offset nor @
//     can look ahead.
//   - [Prometheus.Query] is a cycle.Querier; [Prometheus.Instant] and
//     [Prometheus.Range] serve expectations and reports; [Handler] serves all
//     of it over HTTP, for clients that know only Prometheus' API.
//
// A [Preevaluator] answers queries that depend on recorded samples only, which
// [Exogenous] recognises, from tables that it fills a day at a time.
//
// At one instant the caller's order is Advance, EvaluateRules, then queries;
// [Prometheus.NextEvent] says when the next scrape or rule is due.
//
// Results are reproducible to the bit. The order in which series were created,
// map iteration and goroutines have no influence: the store hands series to the
// engine sorted by their labels, and where the engine itself loses the order
// (prometheus_order.go says where) the expression is evaluated in parts.
//
// Memory follows the windows of the queries, not the length of the run: queries
// named by [Prometheus.Retain] decide how long samples are kept.
package fake
