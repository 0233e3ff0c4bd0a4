package main

// mutations are grouped by file. Each is a mistake that somebody could make.
var mutations = []mutation{
	{"engine/algorithm/proportional.go", `return math.Ceil(x)`, `return math.Floor(x)`, "half a replica is none"},
	{"engine/algorithm/proportional.go", `		target /= 100`, `		target /= 1`, "a utilization target is no percentage"},
	{"engine/algorithm/proportional.go", `max(least, saturate(Ceil(ratio*float64(r.Ready))))`, `max(least-1, saturate(Ceil(ratio*float64(r.Ready))))`, "Value and Utilization reach 0"},
	{"engine/algorithm/proportional.go", `Ceil(ratio*float64(r.Ready))`, `Ceil(ratio*float64(r.Spec))`, "wanted replicas are multiplied"},
	{"engine/algorithm/proportional.go", `		return r.Spec, observation.OK
	}
	if r.Spec == 0 &&`, `		return r.Status, observation.OK
	}
	if r.Spec == 0 &&`, "on target the count becomes what is there"},
	{"engine/autoscaler/sleep.go", `case over && !failed:`, `case over:`, "an error lets a target sleep"},
	{"engine/autoscaler/sleep.go", `failed = failed || !ofReplicas(metric)`, `failed = failed || metric.Activation != nil`, "a missing total without activation lets a target sleep"},
	{"engine/autoscaler/sleep.go", `case active && current < p.Min:`, `case active && current < p.Min-1:`, "nothing wakes a target"},
	{"engine/behavior/without.go", `max(2*int64(current), 4)`, `max(3*int64(current), 4)`, "without a behavior replicas treble"},
	{"engine/behavior/without.go", `math.MaxInt32, recommended)`, `current, recommended)`, "without a behavior the window does not pull up"},
	{"engine/autoscaler/step.go", `		return s.Ready
`, `		return s.Status
`, "replicas that are starting multiply what the others measured"},
	{"engine/algorithm/proportional.go", `if r.Spec > 0 && r.Status > 0 && tolerance.covers(ratio) {`, `if r.Spec > 0 && r.Status > 1<<30 && tolerance.covers(ratio) {`, "no tolerance for AverageValue"},
	{"engine/algorithm/proportional.go", `	if r.Spec > 0 && tolerance.covers(ratio) {`, `	if r.Spec < 0 && tolerance.covers(ratio) {`, "no tolerance for Value and Utilization"},
	{"engine/algorithm/proportional.go", `ratio >= 1-t.Down-Noise && ratio <= 1+t.Up+Noise`, `ratio >= 1-t.Up-Noise && ratio <= 1+t.Down+Noise`, "the tolerances of the directions are exchanged"},
	{"engine/algorithm/proportional.go", `		return observation.NaN
`, `		return observation.OK
`, "NaN is a number"},
	{"engine/algorithm/proportional.go", `	if r.Ready <= 0 && r.Spec > 0 {`, `	if r.Ready < 0 && r.Spec > 0 {`, "a ratio of no replicas says something"},
	{"engine/algorithm/proportional.go", `		return observation.Infinite`, `		return observation.OK`, "infinity is a number"},
	{"engine/algorithm/proportional.go", `		return observation.Negative`, `		return observation.OK`, "less than nothing is a number"},
	{"engine/algorithm/proportional.go", `<= Noise*max(1, math.Abs(x))`, `< 0*max(1, math.Abs(x))`, "the last bit of a division is a replica"},

	{"engine/behavior/bounds.go", `return high, Limit`, `return high + 1, Limit`, "one more than maxReplicas"},
	{"engine/behavior/bounds.go", `case wanted < low:`, `case wanted < low-1:`, "one fewer than minReplicas"},
	{"engine/behavior/rate.go", `now-events[i].Slot < period`, `now-events[i].Slot <= period`, "an event as old as its period still counts"},
	{"engine/behavior/rate.go", `start -= int64(events[i].Delta)`, `start += int64(events[i].Delta)`, "what was added counts as taken away"},
	{"engine/behavior/rate.go", `return furthest(rate, sign, start), start, until`, `return furthest(rate, sign, int64(current)), start, until`, "a budget for each slot in place of each period"},
	{"engine/behavior/rate.go", `max(int64(algorithm.Ceil(float64(start)*(1+value))), start+1)`, `int64(algorithm.Ceil(float64(start) * (1 + value)))`, "a percentage never leaves 0"},
	{"engine/behavior/rate.go", `value := float64(rate.Value) / 100`, `value := float64(rate.Value) / 50`, "percentages count twice"},
	{"engine/behavior/rate.go", `if i > 0 && (rules.Select == policy.SelectMax && further <= 0 || rules.Select == policy.SelectMin && further >= 0) {`, `if i > 0 && (rules.Select == policy.SelectMin && further <= 0 || rules.Select == policy.SelectMax && further >= 0) {`, "Max selects the smallest change, Min the largest"},
	{"engine/behavior/rate.go", `	if rules.Select == policy.Disabled {`, `	if rules.Select == "" {`, "Disabled disables nothing"},
	{"engine/behavior/rate.go", `		if int64(wanted) < least {`, `		if int64(wanted) < -least {`, "no rate limits on the way down"},
	{"engine/behavior/rate.go", `		if int64(wanted) > most {`, `		if -int64(wanted) > most {`, "no rate limits on the way up"},
	{"engine/behavior/rate.go", `int32(max(most, int64(current)))`, `int32(most)`, "a tightened rate takes away what is there"},
	{"engine/behavior/rate.go", `algorithm.Floor(float64(start)*(1-value), float64(start))`, `algorithm.Ceil(float64(start)*(1-value))`, "a percentage never takes the last replicas away"},
	{"engine/behavior/stabilize.go", `slot.Slot(down.Window); now < until`, `slot.Slot(down.Window); now <= until`, "a recommendation as old as its window still counts"},
	{"engine/behavior/stabilize.go", `last + slot.Slot(down.Window)`, `last + slot.Slot(up.Window)`, "the window up is that of both directions"},
	{"engine/behavior/stabilize.go", `last + slot.Slot(up.Window)`, `last + slot.Slot(up.Window*0)`, "no window on the way up"},
	{"engine/behavior/stabilize.go", `last = max(run.First, previous)`, `last = run.First`, "a steady recommendation is as old as its beginning"},
	{"engine/behavior/stabilize.go", `min(max(current, floor), roof)`, `min(max(recommended, floor), roof)`, "the way up does not wait for the lowest recommendation"},
	{"engine/behavior/stabilize.go", `now < until && run.Value >= roof`, `now < until && run.Value <= roof`, "the way down waits for the lowest recommendation"},

	{"engine/autoscaler/step.go", `changed = s.record(current, previous, in.Slot) || changed`, `		_ = current`, "a new autoscaler may scale down at once"},
	{"engine/autoscaler/step.go", `current == last.From && n > 0`, `current == last.From && n > 1<<30`, "a command that did not land uses up its budget"},
	{"engine/autoscaler/step.go", `	return min(max(r.Spec, least), most), code`, `	return max(most, min(least, most)), code`, "replicas that became ready since the scrape are ordered again"},
	{"engine/autoscaler/step.go", `r.Replicas = in.Scale.WithMissing(r.Replicas)`, `_ = in.Scale.WithMissing(r.Replicas)`, "nodes that are not ready count as too many"},
	{"engine/autoscaler/step.go", `largest = max(largest, r.Replicas)`, `largest = r.Replicas`, "the last metric wins"},
	{"engine/autoscaler/step.go", `largest >= 0 && (!failed || largest >= in.Scale.Spec)`, `largest >= 0 && (!failed || largest >= 0)`, "scales down while a metric is missing"},
	{"engine/autoscaler/step.go", `largest >= 0 && (!failed || largest >= in.Scale.Spec)`, `largest >= 0 && !failed`, "a missing metric blocks the way up"},
	{"engine/autoscaler/step.go", `d.hold(MetricsUnavailable, in.Scale.Spec)`, `d.hold(MetricsUnavailable, p.Min)`, "without metrics to minReplicas"},
	{"engine/autoscaler/step.go", `	return s.record(recommended, previous, in.Slot)`, `	return s.record(d.Stabilized, previous, in.Slot)`, "the window weighs what was stabilized, and never ends"},
	{"engine/autoscaler/step.go", `	return s.record(recommended, previous, in.Slot)`, `	return s.record(d.Desired, previous, in.Slot)`, "the window weighs what was decided"},
	{"engine/autoscaler/step.go", `behavior.RateLimit(&p.Up, &p.Down, s.Events`, `behavior.RateLimit(&p.Up, &p.Down, nil`, "no change is remembered"},
	{"engine/autoscaler/step.go", `Delta: c.To - c.From}`, `Delta: c.From - c.To}`, "changes are remembered the wrong way round"},
	{"engine/autoscaler/step.go", `if to != current && !p.DryRun {`, `if to != current {`, "a dry run remembers commands that nobody sent"},
	{"engine/autoscaler/step.go", `case last.observed() && last.To != current:`, `case last.observed() && last.To > 1<<30:`, "a dry run does not see what others change"},
	{"engine/autoscaler/state.go", `now-run.Last < slot.Slot(s.Window)`, `now-run.Last < slot.Slot(s.Period)`, "recommendations are forgotten after the longest period"},
	{"engine/autoscaler/state.go", `now-event.Slot < slot.Slot(s.Period)`, `now-event.Slot < slot.Slot(s.Window)`, "events are forgotten after the longest window"},
	{"engine/autoscaler/state.go", `open.Last = max(open.First, previous)`, `open.Last = open.First`, "a run that ends is as long as one slot"},
	{"engine/autoscaler/state.go", `	s.forget(previous)`, `	_ = previous`, "a longer window finds again what the shorter one had lost"},
	{"engine/autoscaler/fallback.go", `in.Slot-f.Since >= slot.Slot(m.Fallback.After)`, `in.Slot-f.Since > slot.Slot(m.Fallback.After)`, "a fallback comes a slot late"},
	{"engine/autoscaler/fallback.go", `return max(f.Replicas, current)`, `return f.Replicas`, "a fallback scales down without leave"},
	{"engine/autoscaler/fallback.go", `if before.Metric == f.Metric {`, `if before.Metric > 0 {`, "a fallback counts the failures of another metric"},
	{"engine/autoscaler/sleep.go", `active = active || metric.Activation != nil`, `active = active || metric.Activation == nil`, "a fallback does not wake"},
	{"engine/autoscaler/pause.go", `case d.Desired < current && p.Down, d.Desired > current && p.Up:`, `case d.Desired < current && p.Up, d.Desired > current && p.Down:`, "a pause holds the other direction"},
	{"engine/autoscaler/pause.go", `return Pause{Down: true, Up: true, Unreadable: true}, r.err`, `return Pause{}, r.err`, "a pause that cannot be read is none"},
	{"engine/autoscaler/pause.go", `case ends && now >= p.Until,`, `case ends && now > p.Until,`, "a pause ends a second late"},
	{"engine/autoscaler/step.go", `!asleep && !in.Pause.Fixed)`, `!asleep)`, "a held count uses up the budget of rate policies"},
	{"engine/autoscaler/codec.go", `	if fields[6] != "-" {`, `	if fields[6] == "" {`, "a restart forgets the last command"},
	{"engine/autoscaler/codec.go", `r.Events = append(r.Events, `, `r.Events = append(r.Events[:0:0], `, "a restart forgets all changes but the last"},

	{"engine/slot/slot.go", `return g.Of(s) + Slot(g.Interval)`, `return g.Of(s) + 2*Slot(g.Interval)`, "every other slot is decided"},
	{"engine/slot/slot.go", `return g.Of(s - 1)`, `return g.Of(s)`, "the slot before is the slot itself"},
	{"engine/slot/slot.go", `h.Sum64() % uint64(interval)`, `h.Sum64() % 1`, "everybody decides at the same instant"},

	{"engine/cycle/autoscalers.go", `m.state.UnmarshalText([]byte(m.text))`, `m.state.UnmarshalText(nil)`, "a restart forgets everything"},
	{"engine/cycle/memory.go", `l.uid == object.GetUID() && object.GetGeneration() <= l.generation {`, `l.uid == object.GetUID() {`, "an edit is never seen"},
	{"engine/cycle/autoscalers.go", `		m.loaded = false
		return err
`, `		return err
`, "a conflict is never got over"},
	{"engine/cycle/autoscalers.go", `if d.Known && d.Desired != scale.Spec && !m.policy.DryRun {`, `if d.Known && d.Desired != scale.Spec {`, "a dry run acts"},
	{"engine/cycle/autoscalers.go", `s.Time().Add(-a.QueryOffset)`, `s.Time().Add(0 * a.QueryOffset)`, "the query offset is ignored"},
	{"engine/cycle/autoscalers.go", `	case result.Samples > 1:`, `	case result.Samples > 1000:`, "many series are one"},
	{"engine/cycle/autoscalers.go", `	case result.Samples == 0:`, `	case result.Samples < 0:`, "no sample is 0"},
	{"engine/cycle/autoscalers.go", `	if m.rival != "" {
		return`, `	if m.rival == "-" {
		return`, "two autoscalers fight over one target"},
	{"engine/cycle/autoscalers.go", `if scale.Spec != from {`, `if scale.Spec != from && from < 0 {`, "what somebody else set meanwhile is overwritten"},
	{"engine/cycle/autoscalers.go", `now-last.Slot >= slot.Slot(m.grid.Interval)`, `now >= last.Slot`, "a command that a crash swallowed is not sent again"},

	{"engine/cycle/nodegroups.go", `if d.Command && !m.policy.DryRun {`, `if d.Command {`, "a node group in dry run acts"},
	{"engine/cycle/nodegroups.go", `m.state = m.state.Failed(m.in.Name, code)`, `m.state = nodegroup.State{}`, "a refusal is forgotten"},

	{"engine/nodegroup/step.go", `case group.Max >= 0 && d.Wanted > group.Max:`, `case group.Max < -1:`, "the provider's maximum is ignored"},
	{"engine/nodegroup/step.go", `case d.Wanted < group.Min:`, `case d.Wanted < 0:`, "the provider's minimum is ignored"},
	{"engine/nodegroup/step.go", `d.Adopt, d.Wanted = true, group.Desired`, `d.Adopt, d.Wanted = false, group.Desired`, "a group without a size is left without one"},
	{"engine/nodegroup/step.go", `d.Adopt, d.Wanted = true, group.Desired`, `d.Adopt, d.Wanted = true, group.Ready`, "nodes that are not ready are given up when a group is taken over"},
	{"engine/nodegroup/step.go", `d.Command = !s.waits(in, d.Wanted)`, `d.Command = true || s.waits(in, d.Wanted)`, "a provider that refuses is asked again at once"},
	{"engine/nodegroup/step.go", `d.Reason = autoscaler.TargetUnavailable
		return s, d`, `d.Reason = autoscaler.TargetUnavailable
		return State{}, d`, "an unreadable group forgets its failures"},
	{"engine/nodegroup/state.go", `c.first<<(max(attempt, 1)-1)`, `c.first`, "delays do not grow"},
	{"engine/nodegroup/state.go", `if !landed || now < s.Until`, `if !landed || now < 0`, "a provider that throttles is forgiven by wanting something else for a moment"},
	{"engine/nodegroup/state.go", `	if fields[6] != "-" {`, `	if fields[6] == "" {`, "a restart forgets why a command failed"},

	{"engine/producer/queue.go", `	if !p.InFlight {`, `	if p.InFlight {`, "messages being worked on count where they should not"},
	{"engine/producer/reserved.go", `selects(p.Selector, node) && ready(node) && `, `ready(node) && `, "the nodes of all groups count"},
	{"engine/producer/reserved.go", `sums[i].Reserved.Add(list`, `sums[i].Capacity.Add(list`, "reservations are capacity"},
	{"engine/producer/reserved.go", `selects(p.Selector, node) && ready(node) && `, `selects(p.Selector, node) && `, "nodes that are not ready have capacity"},
	{"engine/producer/schedule.go", `return started && (!ended || end.notAfter(start))`, `return started && (!ended || end.notAfter(start) || started)`, "a schedule never ends"},
	{"engine/producer/schedule.go", `	return s.behaviors[winner].replicas`, `	return s.behaviors[len(s.behaviors)-1].replicas`, "the last behavior wins"},
	{"engine/producer/schedule.go", `zone: zone, fallback`, `zone: time.FixedZone(zone.String(), 0), fallback`, "every zone is UTC"},
	{"engine/producer/pattern.go", `return onDay || onWeekday`, `return onDay && onWeekday`, "a day must match the weekday too"},
	{"engine/producer/occurrence.go", `w, ok := p.to(wall(s.from+s.offset-1), wall(s.from+preceding.offset)); ok`, `w, ok := p.to(wall(s.from+s.offset-1), wall(s.from+preceding.offset)); ok && w < 0`, "what the clock jumps over never comes"},
	{"engine/producer/pending.go", `{PendingReplicas, float64(d.Replicas)}`, `{PendingReplicas, float64(d.PendingPods)}`, "a node for every pending pod"},
	{"engine/producer/fill.go", `			free.take(request, 1)
		}
		e.nodeBins`, `			free.take(request, 0)
		}
		e.nodeBins`, "running pods take no room"},
	{"engine/producer/release.go", `case empty == int64(len(g.nodes)):`, `case empty > 0:`, "one empty node releases all of them"},
	{"engine/producer/pending.go", `g.coming = max(int64(g.Provider)-g.base, 0)`, `g.coming = 0`, "nodes on their way are ordered again"},
	{"engine/producer/pending.go", `cmp.Compare(b.size, a.size)`, `cmp.Compare(a.size, b.size)`, "the smallest pods are placed first"},
	{"engine/producer/pending.go", `waste < least {`, `best < 0 && waste < least {`, "the first group that can take the pods does, however badly they fit"},
	{"engine/producer/constraint.go", `err != nil || !ok {`, `err != nil && !ok {`, "node selectors do not matter"},
	{"engine/producer/constraint.go", `return tolerated(scheduling.TolerationsTolerateTaint, c.tolerations, node.Spec.Taints)`, `return true`, "taints do not matter"},
	{"engine/producer/release.go", `case g.Policy.ReleasePartial:`, `case !g.Policy.ReleasePartial:`, "single nodes are released where it was not asked for"},

	{"engine/policy/compile.go", `Rules{Window: window, Select: SelectMax`, `Rules{Window: 0, Select: SelectMax`, "no window unless it is given"},
	{"engine/policy/compile.go", `Rules{Window: window, Select: SelectMax`, `Rules{Window: window, Select: SelectMin`, "the smallest change unless another is given"},

	{"engine/convert/behavior.go", `apiServerRules(or(c.options.DownscaleStabilizationSeconds, downscaleStabilization))`, `apiServerRules(0)`, "an HPA has no window on the way down"},
	{"engine/convert/behavior.go", `resource.MustParse("0.1")`, `resource.MustParse("0.0")`, "an HPA has no tolerance"},
	{"engine/convert/behavior.go", `Value: 100, PeriodSeconds: 15},
	}
	return rules`, `Value: 200, PeriodSeconds: 15},
	}
	return rules`, "an HPA triples"},

	{"reports/cause.go", `return reason{cause: NotDecided}`, `return reason{cause: StartUp}`, "slots that nobody decided are start-up"},
	{"reports/cause.go", `return reason{cause: ColdStart}`, `return reason{cause: NotExplained}`, "a run may begin with too few"},
	{"reports/cause.go", `case d.contested:`, `case d.contested && d.dryRun:`, "two autoscalers on one target are missing data"},
	{"reports/cause.go", `case d.dryRun && !d.held():`, `case d.dryRun && d.held():`, "a dry run is start-up"},
	{"reports/cause.go", `d.desired >= s.needed && d.refused != "":`, `d.desired >= s.needed && d.refused == "never":`, "what is refused is starting"},
	{"reports/cause.go", `case d.desired < d.limited:`, `case d.desired > d.limited:`, "a bound does not count"},
	{"reports/cause.go", `case d.limited < d.stabilized:`, `case d.limited > d.stabilized:`, "a rate policy does not count"},
	{"reports/cause.go", `case d.recommending && d.stabilized < d.recommended:`, `case d.recommending && d.stabilized > d.recommended:`, "a window does not count"},
	{"reports/cause.go", `return 2*s.givenUp >= s.needed-s.ready`, `return s.givenUp > 1000*(s.needed-s.ready)`, "nothing is scaled down too early"},
	{"reports/cause.go", `return reason{cause: MissingData, detail: string(d.reason)}`, `return reason{cause: NotExplained}`, "missing data explains nothing"},
	{"reports/cause.go", `case s.dry:`, `case s.dry && s.issue == "never":`, "the dry run of a group is start-up"},
	{"reports/cause.go", `case s.issue != "":`, `case s.issue == "never":`, "a quota is start-up"},
	{"reports/cause.go", `case s.ready+s.lost >= s.needed:`, `case s.ready-s.lost >= s.needed:`, "lost replicas are start-up"},
	{"reports/cause.go", `case s.asked-s.pending < s.needed:`, `case s.asked+s.pending < s.needed:`, "pods without a node are start-up"},
	{"reports/cause.go", `return reason{cause: StartUp}
	}
	if why`, `return reason{cause: NotExplained}
	}
	if why`, "what is on its way explains nothing"},
	{"reports/cause.go", `case r.replicas >= s.needed:`, `case r.replicas > 1000*s.needed:`, "a late metric has a target above capacity"},
	{"reports/cause.go", `case r.exact >= s.needed:`, `case r.exact > 1000*s.needed:`, "a tolerance is a target above capacity"},
	{"reports/cause.go", `return reason{cause: Target}`, `return reason{cause: MetricLag}`, "a target above capacity is metric lag"},
	{"reports/cause.go", `case !l.unseen:`, `case l.unseen:`, "what every slot shows late is the polling interval"},
	{"reports/cause.go", `l.since <= scrape:`, `l.since < 0:`, "no scrape is waited for"},
	{"reports/cause.go", `case longest > 0:`, `case longest < 0:`, "no range is late"},
	{"reports/cause.go", `l.unmoved > scrape &&`, `l.unmoved < 0 &&`, "an old sample is never old"},
	{"reports/scorer.go", `cursor{steps: demandOf(o)}`, `cursor{steps: roundedUp(demandOf(o))}`, "a tolerance hides whole replicas"},
}
