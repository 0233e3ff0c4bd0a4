package reports

import (
	"fmt"
	"strings"
)

// A meaning holds what a cause means and what changes it.
type meaning struct {
	cause         Cause
	because, cure string
}

// causeMeanings define the causes for readers, in the order in which they are listed.
var causeMeanings = []meaning{
	{NotDecided, "slots passed without a decision: no leader, a controller that was down", "the controller's availability"},
	{Bound, "`maxReplicas` cut the number", "`maxReplicas`"},
	{Rate, "a rate policy cut it", "`behavior.scaleUp.policies`"},
	{Stabilization, "the scale-up window cut it", "`behavior.scaleUp.stabilizationWindowSeconds`"},
	{DryRun, "the decision is not carried out, on purpose, or the node group that it is about tells its provider nothing", "`dryRun`"},
	{Paused, "an annotation paused the way up", "`autoscaling.karpenter.sh/paused`"},
	{Contested, "another autoscaler acts on the same target", "one of the two"},
	{NotCarriedOut, "the target or the provider refused what was decided; the detail is the code", "rights, quotas, the provider's maximum"},
	{Disruption, "replicas that are asked for stopped serving: lost nodes, a rollout", "disruption budgets, surge"},
	{NoNode, "pods are pending; the detail names the node group and what it waits for", "the node group's size, bounds, boot time"},
	{ScaledDown, "half of what is missing was scaled down within the last 15 min", "`behavior.scaleDown`"},
	{StartUp, "replicas are asked for and have a place, and do not serve yet", "start-up time, headroom"},
	{ColdStart, "the run began with fewer than needed", "the count at the start"},
	{MissingData, "a metric or the target could not be read", "the metric's availability"},
	{Tolerance, "the tolerance hides what the metric would ask for", "`behavior.scaleUp.tolerance`"},
	{Target, "the metric's target asks for less than is needed", "the target"},
	{MetricLag, "the metric shows the demand late: the detail says whether it is the polling interval, a scrape and its ingestion, the range of a query, or lookback, which keeps an old sample where newer ones are missing", "`pollingIntervalSeconds`, the scrape interval, the range"},
	{NotExplained, "the metrics do not follow the demand, or no decisions are known", "–"},
}

// CausesTable is the table of causes for the documentation, in Markdown.
func CausesTable() string {
	var b strings.Builder
	b.WriteString("| cause | in sentences and tables | fewer replicas served than needed because | what changes it |\n|---|---|---|---|\n")
	for _, m := range causeMeanings {
		fmt.Fprintf(&b, "| <a id=\"cause-%s\"></a>`%s` | %s | %s | %s |\n", m.cause.slug(), m.cause, m.cause.words(), m.because, m.cure)
	}
	return b.String()
}

// A meaningView defines a cause on the page.
type meaningView struct{ ID, Name, Text string }

func meanings() []meaningView {
	var list []meaningView
	for _, m := range causeMeanings {
		name := m.cause.words()
		if name != string(m.cause) {
			name += " (" + string(m.cause) + ")"
		}
		text := upperFirst(strings.ReplaceAll(m.because, "`", "")) + "."
		if m.cause != NotExplained {
			text += " What changes it: " + strings.ReplaceAll(m.cure, "`", "") + "."
		}
		list = append(list, meaningView{"cause-" + m.cause.slug(), name, text})
	}
	return list
}
