package reports

// A Metric is one figure of a report.
type Metric struct {
	// Name is the name in `report:` expectations; Unit is of its value.
	Name, Unit, Definition string
	// Source is where the definition comes from.
	Source string
	// of is the value; NaN where it is not known.
	of func(*score) float64
}

// Metrics lists every figure, in the order shown. Times are simulated. For
// several objects sums are added, the largest is that of any object, and
// shares are taken of all objects' time.
func Metrics() []Metric { return metrics }

// sizes are the figures of which neither more nor less is better.
var sizes = map[string]bool{
	"scale_ups": true, "scale_downs": true, "largest_replicas": true, "smallest_replicas": true,
	"jitter_per_hour": true, "demand_steps": true, "saturated_minutes": true, "scored_minutes": true,
}

// LessIsBetter says whether a report counts less of a figure as better; of the others
// neither is.
func (m *Metric) LessIsBetter() bool { return !sizes[m.Name] }

// CauseMetric is the figure that takes a cause label: cause_minutes{cause="bound"}.
const CauseMetric = "cause_minutes"

// The sources. What differs from them stands in the definitions.
const (
	own       = "this project"
	herbst    = "after Herbst et al., Ready for Rain?, SPEC-RG-2016-01"
	bauer     = "after Bauer et al., Chameleon, IEEE TPDS 2019"
	bungee    = "after Herbst et al., BUNGEE, SEAMS 2015"
	autopilot = "after Rzadca et al., Autopilot, EuroSys 2020"
	vasim     = "as VASIM's num_scalings, by direction"
	control   = "control practice"
	online    = "this project; regret as of online algorithms"
)

var metrics = []Metric{
	{"breach_minutes", "minutes", "Time with fewer ready replicas than needed (rounded up).", own, scored(func(s *score) float64 { return minutes(s.lacking) })},
	{"longest_breach_minutes", "minutes", "Time lacking capacity in the longest episode; stretches less than 1 min apart are one episode.", own, scored(func(s *score) float64 { return minutes(s.longest) })},
	{"breach_episodes", "count", "Episodes that lacked capacity.", own, scored(func(s *score) float64 { return float64(s.episodes) })},
	{"replica_hours", "replica-hours", "Integral of the replicas asked for (spec.replicas), starting ones included.", own, func(s *score) float64 { return known(s.askedKnown, s.asked/3600) }},
	{"ready_hours", "replica-hours", "Integral of the replicas that serve.", own, func(s *score) float64 { return known(s.readyKnown, s.ready/3600) }},
	{"billed_replica_hours", "replica-hours", "Replica-hours paid for: replicas asked for, or still serving where those are more, and of node groups the machines that exist, each for its time or the billing minimum if longer, begun increments in full; of several the newest goes first; those there at the start of what is shown are billed from then on, those there at its end up to it.", own, func(s *score) float64 { return known(s.billedKnown, s.billed) }},
	{"cost", "currency", "billed_replica_hours x the price of a replica-hour; only where a price is given.", own, func(s *score) float64 { return known(s.priced, s.cost) }},
	{"reversals", "count", "Changes of the desired count against the direction of the change before, at most 15 min after it.", own, changed(func(s *score) float64 { return float64(s.reversals) })},
	{"scale_ups", "count", "Changes of the desired count upwards.", vasim, changed(func(s *score) float64 { return float64(s.ups) })},
	{"scale_downs", "count", "Changes of the desired count downwards.", vasim, changed(func(s *score) float64 { return float64(s.downs) })},
	{"largest_replicas", "replicas", "Largest number of replicas asked for.", own, func(s *score) float64 { return s.largest }},
	{"smallest_replicas", "replicas", "Smallest number of replicas asked for.", own, func(s *score) float64 { return s.smallest }},
	{"under_provisioned_percent", "percent", "Missing replicas as a share of those needed (at least 1), averaged over scored time (theta U).", herbst, scored(func(s *score) float64 { return 100 * s.underShare / float64(s.scored) })},
	{"over_provisioned_percent", "percent", "Spare ready replicas as a share of those needed (at least 1), averaged over scored time (theta O).", herbst, scored(func(s *score) float64 { return 100 * s.overShare / float64(s.scored) })},
	{"under_provisioned_time_percent", "percent", "Share of scored time with fewer ready replicas than needed (tau U).", herbst, scored(func(s *score) float64 { return 100 * float64(s.lacking) / float64(s.scored) })},
	{"over_provisioned_time_percent", "percent", "Share of scored time with more ready replicas than needed (tau O).", herbst, scored(func(s *score) float64 { return 100 * float64(s.spare) / float64(s.scored) })},
	{"under_replica_hours", "replica-hours", "Integral of the missing replicas.", own, scored(func(s *score) float64 { return s.under / 3600 })},
	{"over_replica_hours", "replica-hours", "Integral of the spare ready replicas.", own, scored(func(s *score) float64 { return s.over / 3600 })},
	{"mean_slack_percent", "percent", "Spare replicas as a share of the ready ones, averaged over scored time.", autopilot, scored(meanSlack)},
	{"p95_slack_percent", "percent", "The share of spare replicas that was not exceeded in 95 % of scored time.", autopilot, scored(p95Slack)},
	{"held_minutes", "minutes", "Time under decisions that had no metric, no target or no valid policy to go by.", own, func(s *score) float64 { return known(s.decisionsKnown, minutes(s.held.total())) }},
	{"stale_decision_minutes", "minutes", "Time under decisions that lacked the value of a metric or the counts of the target, and time beyond its interval in which a decision was not followed by another.", own, func(s *score) float64 { return known(s.decisionsKnown, minutes(s.stale)) }},
	{"instability_percent", "percent", "Share of whole minutes, counted from the start, over which ready and needed replicas moved in different directions: up, down or not at all (upsilon).", bauer, func(s *score) float64 { return ratio(100*float64(s.motion.apart), float64(s.motion.minutes)) }},
	{"jitter_per_hour", "changes/hour", "Changes of the ready replicas minus changes of those needed, by scored time; below 0 the supply follows fewer changes than there are.", bungee, scored(func(s *score) float64 { return float64(s.motion.supply-s.motion.demand) * 3600 / float64(s.scored) })},
	{"time_to_scale_median_seconds", "seconds", "Time from needed exceeding ready replicas to no longer doing so: median of all such stretches; one open at the end counts as long as it lasted.", herbst, func(s *score) float64 { return s.lags.lengths[wholeLag].quantile(0.5) }},
	{"time_to_scale_p95_seconds", "seconds", "Time from needed exceeding ready replicas to no longer doing so: not exceeded by 95 % of all such stretches; one open at the end counts as long as it lasted.", herbst, func(s *score) float64 { return s.lags.lengths[wholeLag].quantile(0.95) }},
	{"time_to_scale_max_seconds", "seconds", "Time from needed exceeding ready replicas to no longer doing so: longest of all such stretches; one open at the end counts as long as it lasted.", herbst, func(s *score) float64 { return s.lags.lengths[wholeLag].quantile(1) }},
	{"metric_lag_median_seconds", "seconds", "Part of the time to scale in which the metrics did not recommend what was needed, or not yet: median of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[metricLag].quantile(0.5) }},
	{"metric_lag_p95_seconds", "seconds", "Part of the time to scale in which the metrics did not recommend what was needed, or not yet: not exceeded by 95 % of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[metricLag].quantile(0.95) }},
	{"metric_lag_max_seconds", "seconds", "Part of the time to scale in which the metrics did not recommend what was needed, or not yet: longest of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[metricLag].quantile(1) }},
	{"decision_lag_median_seconds", "seconds", "Part of the time to scale in which the metrics recommended it, but window, rate, bounds or a dry run kept it from being asked for: median of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[decisionLag].quantile(0.5) }},
	{"decision_lag_p95_seconds", "seconds", "Part of the time to scale in which the metrics recommended it, but window, rate, bounds or a dry run kept it from being asked for: not exceeded by 95 % of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[decisionLag].quantile(0.95) }},
	{"decision_lag_max_seconds", "seconds", "Part of the time to scale in which the metrics recommended it, but window, rate, bounds or a dry run kept it from being asked for: longest of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[decisionLag].quantile(1) }},
	{"provider_lag_median_seconds", "seconds", "Part of the time to scale in which it was decided or asked for, but not ready yet: median of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[providerLag].quantile(0.5) }},
	{"provider_lag_p95_seconds", "seconds", "Part of the time to scale in which it was decided or asked for, but not ready yet: not exceeded by 95 % of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[providerLag].quantile(0.95) }},
	{"provider_lag_max_seconds", "seconds", "Part of the time to scale in which it was decided or asked for, but not ready yet: longest of all such stretches.", own, func(s *score) float64 { return s.lags.lengths[providerLag].quantile(1) }},
	{"demand_steps", "count", "Changes of the needed replicas at one instant by at least 20 % and one replica, after which they stay within 10 % of the new level for at least 5 min.", own, scored(func(s *score) float64 { return float64(s.motion.steps) })},
	{"unsettled_steps", "count", "Demand steps after which the ready replicas were outside 10 % of the level when the demand left it, or at the end.", own, scored(func(s *score) float64 { return float64(s.motion.unsettled) })},
	{"settling_median_seconds", "seconds", "Time after a demand step until the ready replicas stay within 10 % of the level: median; a step that did not settle counts as long as the demand held.", control, func(s *score) float64 { return s.motion.settling.quantile(0.5) }},
	{"settling_p95_seconds", "seconds", "Time after a demand step until the ready replicas stay within 10 % of the level: not exceeded after 95 % of steps; a step that did not settle counts as long as the demand held.", control, func(s *score) float64 { return s.motion.settling.quantile(0.95) }},
	{"settling_max_seconds", "seconds", "Time after a demand step until the ready replicas stay within 10 % of the level: longest; a step that did not settle counts as long as the demand held.", control, func(s *score) float64 { return s.motion.settling.quantile(1) }},
	{"overshoot_replicas", "replicas", "Most ready replicas above the level after a demand step that exceeded those ready.", control, func(s *score) float64 { return s.motion.overshoot }},
	{"regret_replica_hours", "replica-hours", "billed_replica_hours above those of the oracle, in scored time. The oracle always asks for the largest demand over the next boot delay and starts with what is ready; it is no optimum.", online, func(s *score) float64 { return known(s.regret.known, s.regret.hours) }},
	{"regret_cost", "currency", "regret_replica_hours x the price of a replica-hour; only where a price is given.", online, func(s *score) float64 { return known(s.regret.priced, s.regret.cost) }},
	{"regret_breach_minutes", "minutes", "breach_minutes above those of the oracle.", online, func(s *score) float64 { return known(s.regret.known, minutes(s.regret.lacking)) }},
	{"saturated_minutes", "minutes", "Time in which the recording shows what was served and not what was asked for, so that more may have been needed.", own, func(s *score) float64 { return known(s.saturatedKnown, minutes(s.saturated)) }},
	{"scored_minutes", "minutes", "Time in which both needed and ready replicas are known; the other figures of demand cover this time.", own, func(s *score) float64 { return minutes(s.scored) }},
}
