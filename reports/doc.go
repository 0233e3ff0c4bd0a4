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
// Every second of lacking capacity has exactly one cause, found by asking why
// the replicas are not there:
//
//  1. s >= d: they were asked for but do not serve yet: start-up. So too when
//     the decision in force asks for d and the target has not followed. Where
//     the journal says why (the write of the scale was refused; the node group,
//     or one that pods wait for, has a provider that is down, throttles or has
//     no machines), they were not carried out, with the code. Where s >= d and
//     there would be enough without the replicas that stopped serving unasked
//     (nodes lost or cut off, pods that a rollout replaces): disruption.
//  2. The decision in force had no metric or target to go by, or its policy is
//     invalid: missing data.
//  3. The last stage that cut the number is the cause: bound, rate or
//     stabilization. It is the one that the record's reason names.
//  4. No stage cut the recommendation, and it is below d: missing data if a
//     metric failed, else metric lag. The metric did not show the demand (yet),
//     or its target asks for less than the demand needs.
//
// Before an object's first decision nothing has seen the demand: metric lag.
// Where no decisions are known (a recorded column), or where they are not acted
// on (a dry run), the cause is unknown. Causes are added in whole seconds, so
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
