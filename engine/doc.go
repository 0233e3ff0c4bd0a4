// Package engine has no code: it is the page to read first.
//
// # The idea
//
// An autoscaler is a function of time, observations and its own memory. Here it
// is written as one: a value-in, value-out step. The same function stands behind
// a real clock in a cluster (cmd/controller) and behind a simulated clock over
// recorded or synthetic metrics (sim), and cannot tell which. Everything else is
// an adapter.
//
//	same initial state + same inputs = same decisions, byte for byte
//
// Both modes share not only the step but the driver around it (engine/cycle):
// simulators that copy the loop drift away from what they simulate.
//
// # Vocabulary
//
//   - slot: an instant at which a decision is due; whole seconds, UTC, one
//     interval apart, shifted by the object's phase. A wake-up only asks which
//     slot it is.
//   - scale target: any object with a scale subresource. spec.replicas is what
//     is wanted, status.replicas what is there, its ready replicas what serves.
//   - recommendation: the replicas that one metric asks for; the largest of all
//     metrics' goes on.
//   - stabilization window: how long past recommendations are weighed against a
//     new one. rate policy: how much the replicas may change within a period.
//     select policy: which of several rate policies counts. tolerance: the
//     relative distance from the target that is ignored. bounds: minReplicas and
//     maxReplicas.
//   - state: what later decisions need of earlier ones. It lives in the object's
//     status, so a restart decides as if it had not happened.
//   - journal: the record of every decision with all its inputs.
//
// # The house
//
//	engine/api/v1alpha1   the three kinds as Go types and CRDs; data only
//	engine/policy         spec -> compiled policy: all defaults, all validation
//	engine/limit          the bounds on everything that is read
//	engine/observation    the codes for what could not be observed
//	engine/slot           the grid of instants
//	engine/algorithm      metric + replicas -> recommendation
//	engine/behavior       windows, rate policies, bounds; what limited a number is data
//	engine/autoscaler     State, Input, Decision, Step
//	engine/nodegroup      the step of ScalableNodeGroups
//	engine/producer       the arithmetic of MetricsProducers
//	engine/convert        HPA and ScaledObject -> our kinds
//	engine/cycle          the driver and the ports that it needs
//	engine/journal        records: codec, reader, verification
//	engine/explain        decisions in words, of autoscalers, node groups and producers
//	engine/escape         text of others, harmless where it is shown
//	engine/suggest        the name that a misspelt one was meant to be
//	sim                   the facade (Load, Check, Play), clock, event queue, runs
//	sim/manifest          manifests with the place of every mistake
//	sim/scenario          the scenario file
//	sim/world             what decisions act on
//	sim/fault             what goes wrong: on samples, answers and each port's calls
//	sim/check             expectations
//	sim/result            what came of a run: data only; sim makes it, reports reads it
//	sim/replay            manifests, recordings or a journal, and options -> the scenario of a replay
//	sim/recording         recordings: read, write, take from a Prometheus
//	sim/tune              parameter search
//	sim/output            the directories that calls write, and nothing of anybody else's
//	sim/ruletest          promtool's unit tests of rules
//	sim/whatif            what lifting each limit of a run would gain
//	sim/hpa               the real HPA controller as a decider; a module of its own
//	sim/soak              random scenarios against the invariants
//	providers/...         the same ports, live and fake
//	providers/promql      what the text of a query may read, in both modes
//	reports               journal + series -> figures, plots, pages
//	reports/fleet         many objects at once: plans, audits
//	cmd/karpenter         the command line; runs, which plays scenarios and writes their
//	                      reports; and serve, its local page
//	cmd/controller        the in-cluster binary, its chart, alerts and sources of metrics
//	cmd/docs              the book and what makes a site of it
//
// Arrows point inwards: cmd -> providers, sim, reports -> engine; the driver ->
// the core. The core (policy, slot, algorithm, behavior, autoscaler, nodegroup,
// producer) takes no context, logger or clock and returns no error from a step:
// a failed read is an input. A test walks the imports.
//
// # The steps of one decision (engine/cycle, both modes)
//
//  1. load: once, past any cache; from then on the driver's memory is the truth.
//  2. compile: spec to policy, once a generation; an invalid one holds.
//  3. observe: every query at the slot's own time, and the target's scale. What
//     fails becomes a code.
//  4. step: settle the last command, recommend, combine, stabilize, rate-limit, bound,
//     and hold back what annotations pause.
//  5. commit: state and status, under the version read, if anything changed that
//     a later decision could see. This is the decision.
//  6. actuate: set the count on the version observed; on a conflict only while
//     the count is still the one decided upon.
//  7. journal: inputs, numbers of every stage, what limited them.
//  8. return the next slot.
//
// Both modes ask NextWake when to call again: at the next slot, or after a second
// where the slot could not be committed. A state that lies further ahead of the
// clock than clocks differ is set aside, and the next slot is decided as at first
// sight. Who else acts on a target is one rule, Rival, by group, kind, namespace
// and name.
//
// A crash between any two of these loses no decision and repeats none: what was
// committed is settled against what the next slot observes, and sent again if it
// is younger than one interval and the count has not moved.
//
// # Numbers
//
// spec.replicas decides direction, tolerance, partial failures, the base of rate
// limits, first sight and bounds. Ready replicas multiply Value and Utilization,
// as they do in HPA: those that are starting do not serve, so they must not
// multiply what the others measured, or demand is ordered twice. They are the pods
// of the scale's selector that are Running and Ready, terminating ones included; a
// node group's ready nodes; status.replicas where there is no selector. Pods that
// became ready, or stopped being so, since a metric was scraped may or may not show
// in it: the recommendation nearest to spec counts of those that every number of
// ready pods since then gives, so that a count and a sample of different instants
// never add replicas that nobody needs, nor take away others. None ready
// while spec is not 0 makes those metrics unusable. status.replicas divides
// AverageValue's ratio. A ScalableNodeGroup's status counts ready nodes only, so
// its missing ones are kept: they count as on target, and never as too many.
// Results are quantised (1e-9, relative) before they are rounded up. A value that
// is NaN, infinite, negative or above 2^63 is no value. A quantity in a spec is
// the float64 nearest to it, in whatever notation the API server stores it.
//
// Missing data never scales down: beside a failed metric only a scale-up acts,
// and without any the count holds. An edit of the bounds still acts, and a metric may
// have a fallback: one that has failed for as long as that says asks for its replicas,
// or for as many as there are where scaling down is not allowed, and counts as usable.
// That no replica is ready is no failure of a metric.
//
// Annotations may pause an autoscaler, in one direction or both, at a count, until a
// time. They are read at each slot, and an input like any other: what the last stage
// held back, and by what, stands in the record. All stages before it go on, so that a
// pause ends with a window that is full. A count that is held is no scale event.
//
// # Where this differs from the HorizontalPodAutoscaler
//
// The semantics are those of HPA v2 with a behavior, tick by tick, except for
// the following; each has a test in engine/autoscaler/deviations_test.go.
//
//   - history: HPA forgets scale events after the longest period of their own
//     direction although the other direction still reads them. Here every event
//     counts for as long as any policy reads it.
//   - float: HPA rounds 29.000000000000004 up to 30. Here noise is no replica.
//   - negative: HPA takes a negative average for an overflow and scales to the
//     maximum. Here a negative value is like a missing one.
//   - outage: HPA records nothing while metrics are missing, so a long outage
//     disarms the window. Here the unknown counts as the last recommendation.
//   - bounds: HPA skips metrics while the count is outside its bounds. Here the
//     bounds are the last stage, and metrics are always evaluated.
//   - nodes: HPA counts pods in status.replicas, ready or not. A node group
//     counts ready nodes, so for one the ready nodes' share of a scale-down is
//     asked for beside the nodes that are missing.
//   - average: within tolerance HPA asks for status.replicas, which in a rollout
//     writes the surge into spec. Here a total on target leaves spec as it is.
//   - noready: without a ready pod HPA takes a Value for 0 replicas. Here it is
//     no number, and holds.
//   - scraped: HPA multiplies a metric by the pods that are ready now, although
//     it was scraped when there were others, which doubles a scale-up whose pods
//     become ready in between. Here what changed since the scrape scales nothing
//     by itself.
//   - truncate: HPA cuts cpu utilization to whole percents. Here it is what the
//     query says.
//   - zero: HPA takes 0 replicas for "disabled", lets Value return to 0, and a
//     percentage never leaves 0. Here 0 is no switch, Value and Utilization ask
//     for at least 1, and every rate policy allows at least one replica up.
//
// Besides, a restart changes nothing (HPA forgets its windows), and arithmetic
// saturates.
//
// A target may sleep (spec.zero), as KEDA has it: while no metric is above its
// activation, and a cooldown after the last one was, it goes to the idle count in one
// step past windows and policies, and wakes to its minimum in one. A metric in error,
// with an activation or without, neither lets it sleep nor wakes it, until its fallback
// is active, which counts as activity where there is an activation; only that of a
// percentage without an activation, such as cpu, which measures the replicas
// themselves, lets it. One without any activation is always active. One that
// was never active sleeps at first sight, which no window holds; a state that was
// set aside counts as activity, so that a cooldown begins. Other than KEDA, a metric in error does not stop the
// clock of others that are active, what is negative or NaN is an error, so is a
// failing average of cpu or memory in absolute units, and activity between two
// slots is not seen.
//
// HPA's older algorithm, for HPAs without a behavior, is a policy of its own
// (behavior.algorithm: HPAWithoutBehavior) that conversion writes: the highest
// recommendation of one window counts, upwards too, and at most twice the replicas,
// or 4, are reached at once. Of the list above only float, negative, average,
// noready and scraped hold for it: it skips the metrics outside the bounds and at 0, and keeps
// nothing of a slot without usable metrics, as HPA does. Its flags, tolerance and
// downscale stabilization, are the controller's. A HorizontalAutoscaler without a
// behavior has defaults of its own: a window of 300 s down, none up, no rate limits
// and no tolerance, field by field.
package engine
