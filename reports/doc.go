// Package reports turns what a run decided and what it supplied into answers:
// figures, tables, plots, HTML, Markdown, JUnit and JSON.
//
// A caller describes a run and its columns (what was recorded, the current
// policy, each variant) as step functions of replicas plus a stream of decision
// records, and gets a Report:
//
//	run := &reports.Run{Name: "checkout", Start: start, End: end, Columns: columns}
//	report, err := reports.Compute(run)
//	ok, detail, err := report.Evaluate("reversals <= 1")
//	run.Expectations = append(run.Expectations, ...)
//	err = report.WriteDir(dir) // report.html, summary.md, report.json
//
// WriteCall writes the four files of a whole call, Table prints what belongs on
// standard output, Report.Annotations are what a GitHub workflow shows beside the
// code.
// ReadRun reads a run back from its directory, and Zoom narrows it, so that a
// report can be rendered again without running anything.
//
// # Definitions
//
// Let d(t) be the replicas that the demand needs, rounded up; r(t) the replicas
// that serve; s(t) the replicas asked for (spec.replicas). An object lacks
// capacity while r < d. Time in which d or r is unknown is not scored. Metrics
// lists every figure with its unit and definition.
//
// Every second of lacking capacity has exactly one cause: the first of these
// conditions that holds.
//
// Where fewer are asked for than needed, s < d:
//
//   - not decided: the slot after the decision in force passed without one (no
//     leader, missed slots).
//   - cold start: nothing was decided yet; the run began with less than was needed.
//   - contested: another autoscaler acts on the same target. dry run: the decision
//     is not carried out, on purpose. paused: an annotation held back the way up.
//   - not carried out: the decision asks for d, and the target refused it, with
//     the code; start-up where it is on its way.
//   - bound, rate, stabilization: the last stage that cut the number, the one that
//     the record's reason names.
//   - scaled down too early: at least half of what is missing served within the
//     last 15 min and was scaled down while it was not needed.
//   - missing data: the decision had no metric or target to go by, its policy is
//     invalid, or a metric failed.
//   - tolerance, target, metric lag: no stage cut the recommendation. What the
//     metrics would show of this instant is taken from how they answered to the
//     demand so far (result.Response), and the recommender is asked again: if that
//     is less than d, the target asks for less than is needed; if only the
//     tolerance makes it less, the tolerance; else the metrics show the demand too
//     late: for the polling interval, if what was decided sufficed at its slot; for
//     a scrape and its ingestion, if more was needed for no longer than those take;
//     for the range of a query, where one has any; else, if the metrics have not
//     moved for longer than a scrape and its ingestion take, for an old sample, which
//     lookback keeps while newer ones are missing, as long as that lasts.
//   - not explained: the metrics do not follow the demand, or no decisions are
//     known (a recorded column).
//
// Where enough are asked for, s >= d, and too few serve:
//
//   - dry run: the target is a node group whose provider is told nothing, on purpose.
//   - not carried out: the provider of the node group that is scaled is down,
//     throttles, has no machines or a maximum.
//   - disruption: there would be enough without the replicas that stopped serving
//     unasked (nodes lost or cut off, pods that a rollout replaces).
//   - no node: without the pods that have no node fewer than d are left, with the
//     node group and what it waits for.
//   - scaled down too early, as above; else start-up: asked for, placed, not ready.
//
// A cause's minutes are those that vanish without it, which the tests hold by
// playing each incident again with its cure. Causes are added in whole seconds, so
// they add up to the breach exactly.
//
// Breached stretches less than a minute apart are one episode. Episodes are
// ranked by the replica-time that was missing.
//
// Every stretch with r < d is also a time to scale, of three parts: metric lag
// while the metrics in force recommend less than d, decision lag while they
// recommend it and less is asked for, provider lag from then on.
//
// # References
//
// AddReferences adds columns that nobody ran: the static peak, the static mean
// and an oracle, which asks for the largest d over the next boot delay. They are
// shown below the others and never ranked; regret is measured against the oracle.
//
// Output holds simulated time only and depends on nothing but the run, so the
// same run gives the same bytes.
package reports
