package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// shownSchedule is how far ahead a schedule is shown unless --to says: a week
// has seen every weekday.
const shownSchedule = 7 * 24 * time.Hour

// A scheduled value is one line of a schedule's timeline.
type scheduledValue struct {
	Producer string `json:"producer"`
	// At is the instant of the change, in the schedule's own zone.
	At       string `json:"at"`
	Weekday  string `json:"weekday"`
	Replicas int32  `json:"replicas"`
}

func (a *app) scheduleCommand() *cobra.Command {
	var paths []string
	var from, to, format string
	c := &cobra.Command{
		Use:   "schedule [-f] FILE|DIR|- ...",
		Short: "Print the timeline of scheduled replicas",
		Long: `Schedule prints, for every MetricsProducer with a scheduleSpec and the cron
triggers of every ScaledObject, the value at the start and every change after it,
in the schedule's own time zone.`,
		Example: `  karpenter schedule -f producers/
  karpenter schedule -f business-hours.yaml --from 2026-03-27 --to 2026-03-31`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.schedule(append(paths, args...), from, to, format)
		},
	}
	c.Flags().StringArrayVarP(&paths, "filename", "f", nil, "manifests: file, directory or - (repeatable)")
	c.Flags().StringVar(&from, "from", "", "first instant; -36h is before now (default: now)")
	c.Flags().StringVar(&to, "to", "", "last instant (default: a week after --from)")
	addFormat(c, &format)
	return c
}

func (a *app) schedule(paths []string, from, to, format string) error {
	if len(paths) == 0 {
		return errors.New("no manifests: give files, directories or - with -f")
	}
	set, err := manifest.Load(paths, a.stdin)
	if err != nil {
		return err
	}
	if err := sim.LeftOut(sim.Adopt(set, convert.Options{AllowLoss: true})); err != nil {
		return err
	}
	values := []scheduledValue{}
	scheduled := 0
	for _, p := range set.Producers {
		compiled, errs := policy.CompileProducer(&p.Object.Spec, field.NewPath("spec"))
		if errs != nil {
			return manifest.Positioned(p.Doc, errs)
		}
		if compiled.Schedule == nil {
			continue
		}
		scheduled++
		more, err := timeline(p.Object.Namespace+"/"+p.Object.Name, compiled.Schedule, from, to)
		if err != nil {
			return err
		}
		values = append(values, more...)
	}
	if scheduled == 0 {
		return fmt.Errorf("%s: no MetricsProducer with a scheduleSpec, and no ScaledObject with a cron trigger", strings.Join(paths, ", "))
	}
	if format != tableFormat {
		return a.encode(format, values)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PRODUCER\tAT\t\tREPLICAS")
	for _, v := range values {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", v.Producer, v.At, v.Weekday, v.Replicas)
	}
	return w.Flush()
}

// timeline is one schedule's values between two instants, as its zone has them.
func timeline(name string, s *policy.Schedule, from, to string) ([]scheduledValue, error) {
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Second)
	first := now
	if from != "" {
		end := now.Add(shownSchedule)
		if strings.HasPrefix(from, "-") {
			end = now // the end that is shown depends on --from itself
		}
		if first, err = parseTime(from, zone, now, end); err != nil {
			return nil, fmt.Errorf("--from %w", err)
		}
	}
	last := first.Add(shownSchedule)
	if to != "" {
		if last, err = parseTime(to, zone, first, last); err != nil {
			return nil, fmt.Errorf("--to %w", err)
		}
	}
	if last.Before(first) {
		return nil, fmt.Errorf("--to %s lies before --from %s", stamp(last, zone), stamp(first, zone))
	}
	if first.Year() < 1970 || last.Year() > 2200 {
		return nil, fmt.Errorf("from %s to %s: want times from 1970 to 2200", stamp(first, zone), stamp(last, zone))
	}
	changes, err := producer.Timeline(s, slot.At(first), slot.At(last))
	if err != nil {
		return nil, err
	}
	var values []scheduledValue
	for _, c := range changes {
		at := c.At.Time().In(zone)
		values = append(values, scheduledValue{Producer: name, At: at.Format(time.RFC3339), Weekday: at.Format("Mon"), Replicas: c.Value})
	}
	return values, nil
}
