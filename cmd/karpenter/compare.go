package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/explain"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

type compareFlags struct {
	with, recording, zone, maxBelow, failOn, format string
	readyAfter                                      string
	labels                                          []string
	server                                          serverFlags
}

func (a *app) compareCommand() *cobra.Command {
	var flags compareFlags
	c := &cobra.Command{
		Use:   "compare JOURNAL|DIR|- ... [[NS/]KIND/NAME]",
		Short: "Compare the decisions of a dry run with what really ran",
		Long: `Compare says how far the decisions of a dry run agree with what really ran
meanwhile: the spec.replicas that the next slot observed, or what --with yields
there. It lists the ten worst divergences with the reason of the decision.

Each of these decisions starts from the count that ran, so a candidate that cannot
keep up never falls behind. The candidate is therefore also played on alone, over
the metrics of the journal, and measured by what they say was needed, as what ran
is. That verdict decides: with --max-below compare fails when the candidate alone
has too few replicas for longer, or cannot be judged; with --fail-on breach when it
has them for longer than what ran.

Of several autoscalers it prints a line each, the worst first, and the worst ones in
full. One that cannot be compared is a line that says why.`,
		Example: `  karpenter compare journal/
  karpenter compare journal/ ha/web --max-below 5m
  karpenter compare journals/ --fail-on breach
  karpenter compare journal/ ha/web --prometheus http://prometheus:9090 \
      --with 'kube_deployment_status_replicas_ready{deployment="web"}'`,
		Args: someArgs("a journal, or a directory with journals"),
		RunE: func(c *cobra.Command, args []string) error { return a.compare(c.Context(), args, &flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.with, "with", "", "PromQL of what ran, from --recording or --prometheus")
	f.StringArrayVar(&flags.labels, "label", nil, "a label that enters every selector of --with: NAME=VALUE, e.g. cluster=eu1 (repeatable)")
	f.StringVar(&flags.recording, "recording", "", "recorded metrics that --with is asked of")
	f.StringVar(&flags.zone, "tz", "UTC", "time zone to show times in")
	f.StringVar(&flags.maxBelow, "max-below", "", "fail if the candidate, played on alone, lacks capacity (or runs above its target) for longer than this")
	f.StringVar(&flags.failOn, "fail-on", "", "breach: fail if a candidate, played on alone, breaches for longer than what ran, beyond the noise, or cannot be judged")
	f.StringVar(&flags.readyAfter, "ready-after", "", "start-up delay of new replicas of the candidate alone (default: as the journal shows)")
	flags.server.add(c)
	addFormat(c, &flags.format)
	return c
}

func (a *app) compare(ctx context.Context, args []string, flags *compareFlags) error {
	limit, err := flags.check()
	if err != nil {
		return err
	}
	if err := flags.checkReadyAfter(); err != nil {
		return err
	}
	location, err := parseZone(flags.zone)
	if err != nil {
		return err
	}
	objects, err := a.comparedObjects(args, flags)
	if err != nil {
		return err
	}
	var all []*comparison
	for _, o := range objects {
		c, err := a.compareObject(ctx, o, o.clock(location), flags)
		if nothing := (*incomparable)(nil); errors.As(err, &nothing) && len(objects) > 1 {
			c, err = &comparison{Object: o.String(), Unjudged: nothing.reason, Worst: []divergence{}}, nil
		}
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	for _, c := range all {
		if limit >= 0 && !c.dryRun && flags.with == "" && c.Unjudged == "" {
			return fmt.Errorf("%s: its decisions were acted on, so they agree with what ran by themselves; --max-below is for a dry run, or for what --with names", c.Object)
		}
	}
	if err := a.tellComparisons(all, flags); err != nil {
		return err
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, c.check(limit))
		if flags.failOn != "" {
			errs = append(errs, c.checkBreach())
		}
	}
	return errors.Join(errs...)
}

// checkBreach holds the candidate alone to what ran. One that acts is what ran.
func (c *comparison) checkBreach() error {
	switch {
	case c.Unjudged != "":
		return failed("%s: it cannot be compared: %s (--fail-on breach)", c.Object, c.Unjudged)
	case c.Alone == nil:
		return nil
	case c.Alone.Unjudged != "":
		return failed("%s: alone, it could not be judged: %s (--fail-on breach)", c.Object, c.Alone.Unjudged)
	case c.Alone.breaches():
		return failed("%s: alone, it %s for %s, what ran for %s (--fail-on breach)", c.Object, c.Alone.short(), minutesSpan(c.Alone.BreachMinutes), minutesSpan(c.Alone.RanBreachMinutes))
	}
	return nil
}

// check holds the candidate alone to the limit of --max-below; a negative one is none.
func (c *comparison) check(limit time.Duration) error {
	switch {
	case limit < 0 || c.Alone == nil:
		return nil
	case c.Alone.Unjudged != "":
		return failed("%s: alone, it could not be judged: %s (--max-below)", c.Object, c.Alone.Unjudged)
	case c.Alone.BreachMinutes*60 > limit.Seconds():
		return failed("%s: alone, it %s for %s, allowed are %s (--max-below); what ran for %s",
			c.Object, c.Alone.short(), minutesSpan(c.Alone.BreachMinutes), model.Duration(limit), minutesSpan(c.Alone.RanBreachMinutes))
	}
	return nil
}

// check returns the limit of --max-below, negative where there is none.
func (f *compareFlags) check() (time.Duration, error) {
	if err := checkFormat(f.format); err != nil {
		return 0, err
	}
	if f.failOn != "" && f.failOn != "breach" {
		return 0, fmt.Errorf("--fail-on %s: want breach", quoteArgument(f.failOn))
	}
	source := f.recording != "" || f.server.address != ""
	entering, err := recording.ParseLabels(f.labels)
	switch {
	case err != nil:
		return 0, fmt.Errorf("--label %w", err)
	case len(entering) > 0 && f.with == "":
		return 0, errors.New("--label needs --with: its selectors are what the label enters")
	case f.with != "" && !source:
		return 0, errors.New("--with needs metrics to ask: give --recording or --prometheus")
	case f.with == "" && source:
		return 0, errors.New("--recording and --prometheus need --with: the PromQL of what ran")
	case f.recording != "" && f.server.address != "":
		return 0, errors.New("--recording and --prometheus exclude each other")
	}
	if len(entering) > 0 {
		if f.with, err = entering.Enter(f.with); err != nil {
			return 0, fmt.Errorf("--with: %w", err)
		}
	}
	if f.maxBelow == "" {
		return -1, nil
	}
	d, err := model.ParseDuration(f.maxBelow)
	if err != nil {
		return 0, fmt.Errorf("--max-below %q: want a duration such as 5m", f.maxBelow)
	}
	return time.Duration(d), nil
}

// checkReadyAfter reads --ready-after, so that it is refused before anything runs.
func (f *compareFlags) checkReadyAfter() error {
	if f.readyAfter == "" {
		return nil
	}
	_, err := replay.ParseDuration("--ready-after", f.readyAfter)
	return err
}

// comparedObjects are the autoscalers of the journals, or the one that is named.
func (a *app) comparedObjects(args []string, flags *compareFlags) ([]*indexedObject, error) {
	paths, wanted, err := divideArguments(args)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no journal given; want e.g. karpenter compare journal %s", args[0])
	}
	files, err := a.journals(paths)
	if err != nil {
		return nil, err
	}
	objects, err := indexJournals(files)
	if err != nil {
		return nil, err
	}
	if wanted != nil || flags.with != "" {
		object, err := choose(objects, wanted)
		if err != nil {
			return nil, err
		}
		objects = []*indexedObject{object}
	}
	objects = slices.DeleteFunc(objects, func(o *indexedObject) bool { return o.Kind != journal.HorizontalAutoscaler })
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s: no HorizontalAutoscaler's decisions in it", fileNames(files))
	}
	return objects, nil
}

// A comparison is how far one autoscaler's decisions agree with what ran.
type comparison struct {
	Object string `json:"object"`
	// Unjudged says why nothing can be compared; empty where the figures are.
	Unjudged string `json:"unjudged,omitempty"`
	// Alone is the verdict on the candidate by itself; nil where its decisions
	// are what ran.
	Alone    *verdict `json:"alone,omitempty"`
	Compared int      `json:"compared"`
	Agreed   int      `json:"agreed"`
	// Agreement is in percent; the differences are absolute, in replicas.
	Agreement      float64      `json:"agreementPercent"`
	MeanDifference float64      `json:"meanDifference"`
	P95Difference  float64      `json:"p95Difference"`
	BelowMinutes   float64      `json:"belowMinutes"`
	AboveMinutes   float64      `json:"aboveMinutes"`
	Worst          []divergence `json:"worst"`

	below, above int64 // seconds
	differences  []float64
	clock        wallClock
	dryRun       bool
}

// A divergence is a stretch in which the decisions were on one side of what ran.
type divergence struct {
	From string `json:"from"`
	To   string `json:"to"`
	// At its widest: what was decided, what ran, and why.
	At      string  `json:"at"`
	Desired int32   `json:"desired"`
	Ran     float64 `json:"ran"`
	Reason  string  `json:"reason"`
	Why     string  `json:"why"`
	// ReplicaMinutes is the difference added up over time.
	ReplicaMinutes float64 `json:"replicaMinutes"`

	from, to, at   slot.Slot
	replicaSeconds float64
}

// A decided slot waits for the next one to tell what ran.
type decidedSlot struct {
	slot     slot.Slot
	desired  int32
	interval int32
	reason   string
	why      string
}

func (a *app) compareObject(ctx context.Context, o *indexedObject, clock wallClock, flags *compareFlags) (*comparison, error) {
	c := &comparison{Object: o.String(), clock: clock, Worst: []divergence{}}
	ran, closing, err := a.whatRan(ctx, o, flags)
	if err != nil {
		return nil, err
	}
	defer closing()
	var pending *decidedSlot
	err = o.walk(func(_ *journalFile, step *journal.Step) error {
		r := step.Record
		if d := pending; d != nil && (d.interval == 0 || r.Slot-d.slot <= slot.Slot(d.interval)) {
			value, ok, err := ran(r)
			if err != nil {
				return err
			}
			if ok {
				c.add(d, r.Slot, value)
			}
		}
		pending = nil
		if r.Known {
			pending = &decidedSlot{slot: r.Slot, desired: r.Desired, reason: string(r.Reason), why: explain.Of(step, clock.short).Why()}
			if step.Policy != nil {
				pending.interval = step.Policy.Interval
			}
			c.dryRun = c.dryRun || r.DryRun
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c.Compared == 0 && flags.with != "" {
		return nil, &incomparable{o.String(), fmt.Sprintf("--with %s has no sample at a slot that follows a decision", flags.with)}
	}
	if c.Compared == 0 {
		return nil, &incomparable{o.String(), "no decision is followed by a slot that says what ran"}
	}
	c.finish()
	if !c.dryRun && flags.with == "" {
		a.note("%s is no dry run: what ran is what it decided", o)
		return c, nil
	}
	again, closing, err := a.whatRan(ctx, o, flags)
	if err != nil {
		return nil, err
	}
	defer closing()
	c.Alone, err = a.alone(ctx, o, again, flags)
	return c, err
}

// An incomparable autoscaler has no decision that can be compared.
type incomparable struct{ object, reason string }

func (e *incomparable) Error() string { return e.object + ": nothing to compare: " + e.reason }

// add compares one decision with what ran until the next slot.
func (c *comparison) add(d *decidedSlot, next slot.Slot, ran float64) {
	c.Compared++
	difference := float64(d.desired) - ran
	c.differences = append(c.differences, math.Abs(difference))
	seconds := int64(next - d.slot)
	switch {
	case difference == 0:
		c.Agreed++
		return
	case difference < 0:
		c.below += seconds
	default:
		c.above += seconds
	}
	lacking := math.Abs(difference) * float64(seconds)
	if n := len(c.Worst); n > 0 {
		last := &c.Worst[n-1]
		if last.to == d.slot && math.Signbit(float64(last.Desired)-last.Ran) == math.Signbit(difference) {
			last.to = next
			last.replicaSeconds += lacking
			if math.Abs(difference) > math.Abs(float64(last.Desired)-last.Ran) {
				last.at, last.Desired, last.Ran, last.Reason, last.Why = d.slot, d.desired, ran, d.reason, d.why
			}
			return
		}
	}
	c.Worst = append(c.Worst, divergence{
		Desired: d.desired, Ran: ran, Reason: d.reason, Why: d.why,
		from: d.slot, to: next, at: d.slot, replicaSeconds: lacking,
	})
}

// worstShown is how many divergences are listed.
const worstShown = 10

// finish turns sums into figures.
func (c *comparison) finish() {
	c.Agreement = 100 * float64(c.Agreed) / float64(c.Compared)
	c.BelowMinutes, c.AboveMinutes = float64(c.below)/60, float64(c.above)/60
	var sum float64
	for _, d := range c.differences {
		sum += d
	}
	c.MeanDifference = sum / float64(c.Compared)
	slices.Sort(c.differences)
	c.P95Difference = c.differences[int(math.Ceil(0.95*float64(len(c.differences))))-1]
	slices.SortStableFunc(c.Worst, func(x, y divergence) int { return cmp.Compare(y.replicaSeconds, x.replicaSeconds) })
	c.Worst = c.Worst[:min(len(c.Worst), worstShown)]
	for i := range c.Worst {
		d := &c.Worst[i]
		d.ReplicaMinutes = d.replicaSeconds / 60
		d.From, d.To, d.At = c.clock.rfc3339(d.from), c.clock.rfc3339(d.to), c.clock.rfc3339(d.at)
	}
}

func (a *app) tellComparisons(all []*comparison, flags *compareFlags) error {
	if flags.format != tableFormat {
		return a.encode(flags.format, all)
	}
	var b strings.Builder
	shown := all
	if len(all) > 1 {
		shown = comparisonTable(&b, all)
	}
	for i, c := range shown {
		if i > 0 || len(all) > 1 {
			b.WriteByte('\n')
		}
		b.WriteString(c.text())
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// text is the comparison for people.
func (c *comparison) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s to %s\n\n", c.Object, c.clock.full(c.clock.first), c.clock.full(c.clock.last))
	if c.Alone != nil {
		b.WriteString(c.Alone.lines() + "\n")
	}
	fmt.Fprintf(&b, "  agreement    %.1f %% (%d of %s)\n", math.Floor(c.Agreement*10)/10, c.Agreed, counted(c.Compared, "slot"))
	fmt.Fprintf(&b, "  difference   mean %s, 95th percentile %s replicas\n", explain.Figure(math.Round(c.MeanDifference*100)/100), explain.Figure(c.P95Difference))
	fmt.Fprintf(&b, "  below        %s\n  above        %s\n", span(c.below), span(c.above))
	if len(c.Worst) == 0 {
		return b.String()
	}
	b.WriteString("\nWorst divergences, by replicas x time\n\n")
	rows := [][]string{{"FROM", "TO", "DECIDED", "RAN", "REPLICA-MIN"}}
	for _, d := range c.Worst {
		rows = append(rows, []string{c.clock.short(d.from), c.clock.short(d.to), fmt.Sprint(d.Desired), explain.Figure(d.Ran), explain.Figure(math.Round(d.ReplicaMinutes*10) / 10)})
	}
	widths := columnWidths(rows)
	for i, row := range rows {
		line := "  "
		for k, cell := range row {
			line += fmt.Sprintf("%-*s  ", widths[k], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		if i > 0 {
			d := &c.Worst[i-1]
			b.WriteString(wrapped(fmt.Sprintf("%s at %s: %s", d.Reason, c.clock.short(d.at), d.Why), "      ", textWidth))
		}
	}
	return b.String()
}

// span is a number of seconds in words.
func span(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds%60 == 0:
		return fmt.Sprintf("%d min", seconds/60)
	}
	return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
}
