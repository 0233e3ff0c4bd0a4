package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

type explainFlags struct {
	at, from, to, zone, format string
	live                       liveFlags
}

func (a *app) explainCommand() *cobra.Command {
	var flags explainFlags
	c := &cobra.Command{
		Use:   "explain [JOURNAL|DIR|- ...] [[NS/]KIND/NAME]",
		Short: "Say why a decision was what it was, step by step",
		Long: `Explain reads journals of live or simulated decisions. With --at it takes one
decision apart, step by step: what was observed, what each metric asked for, and
what the window, the rate limit and the bounds made of it. With --from and --to
it lists runs of equal decisions; without times, every change of the count.

Without a journal the object is one of the cluster of the kubeconfig: its conditions,
and from the journal of the controller, fetched as by journal fetch, its last decision,
or what --at, --from and --to ask for.

Times: RFC 3339, "2006-01-02 15:04", 15:04 or Fri 15:04 where the journal has it
once, Unix seconds, or -36h before the journal's end. A time between two slots
means the slot before.`,
		Example: `  karpenter explain out/flash-crowd
  karpenter explain out/flash-crowd default/ha/web --at 08:10
  karpenter explain journal/ ha/web --from "Fri 18:00" --to "Fri 19:00" --tz Europe/Berlin
  karpenter explain ha/web -n shop --context production`,
		Args:              someArgs("a journal, a directory with journals, or an object of a cluster"),
		ValidArgsFunction: flags.live.completeObject,
		RunE:              func(c *cobra.Command, args []string) error { return a.explain(c.Context(), args, &flags) },
	}
	c.Flags().StringVar(&flags.at, "at", "", "explain the decision in force at this time")
	c.Flags().StringVar(&flags.from, "from", "", "list decisions from this time")
	c.Flags().StringVar(&flags.to, "to", "", "list decisions up to this time")
	c.Flags().StringVar(&flags.zone, "tz", "UTC", "time zone to read and show times in")
	addFormat(c, &flags.format)
	flags.live.add(c.Flags())
	return c
}

func (a *app) explain(ctx context.Context, args []string, flags *explainFlags) error {
	if flags.at != "" && flags.from+flags.to != "" {
		return errors.New("--at excludes --from and --to: one decision, or those of a time")
	}
	if err := checkFormat(flags.format); err != nil {
		return err
	}
	location, err := parseZone(flags.zone)
	if err != nil {
		return err
	}
	paths, wanted, err := divideArguments(args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return a.explainLive(ctx, wanted, flags)
	}
	files, err := a.journals(paths)
	if err != nil {
		return err
	}
	objects, err := indexJournals(files)
	if err != nil {
		return err
	}
	object, err := choose(objects, wanted)
	if err != nil {
		return err
	}
	clock := object.clock(location)
	if flags.at != "" {
		return a.explainAt(object, clock, flags)
	}
	return a.explainRange(object, clock, flags)
}

// divideArguments tells journals from the object. What exists is a journal; without one,
// there is an object.
func divideArguments(args []string) (paths []string, wanted *objectName, err error) {
	for _, arg := range args {
		if isJournalPath(arg) {
			paths = append(paths, arg)
			continue
		}
		name, ok := parseObject(arg)
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("%q is neither a file nor an object; want a journal, or [NAMESPACE/]KIND/NAME such as default/ha/web", arg)
		case wanted != nil:
			return nil, nil, fmt.Errorf("two objects, %s and %s: explain one at a time", wanted, name)
		}
		wanted = name
	}
	return paths, wanted, nil
}

// An objectName is an object as it is named on the command line; without a
// namespace it stands for that of any.
type objectName struct{ namespace, kind, name string }

func (n *objectName) String() string {
	return strings.TrimPrefix(n.namespace+"/"+n.kind+"/"+n.name, "/")
}

func (n *objectName) matches(o journal.Object) bool {
	return n.kind == o.Kind && n.name == o.Name && (n.namespace == "" || n.namespace == o.Namespace)
}

func parseObject(text string) (*objectName, bool) {
	parts := strings.Split(text, "/")
	if len(parts) == 2 {
		parts = append([]string{""}, parts...)
	} else if len(parts) != 3 || parts[0] == "" {
		return nil, false
	}
	kind := journal.KindOf(parts[1])
	return &objectName{parts[0], kind, parts[2]}, kind != "" && parts[2] != ""
}

// An indexedObject holds what the journals have of one object.
type indexedObject struct {
	journal.Object
	first, last slot.Slot
	// interval is that of the last policy, 0 where none is known.
	interval slot.Slot
	parts    []*journalPart
}

// A journalPart holds what one file has of an object.
type journalPart struct {
	file        *journalFile
	first, last slot.Slot
}

// indexJournals verifies the journals and finds the objects in them, sorted by name.
func indexJournals(files []journalFile) ([]*indexedObject, error) {
	index := map[journal.Object]*indexedObject{}
	var objects []*indexedObject
	for i := range files {
		file := &files[i]
		parts := map[journal.Object]*journalPart{}
		err := readVerified(file, func(line *journal.Line) error {
			r := line.Record
			if r == nil {
				return nil
			}
			o := index[r.Object]
			if o == nil {
				o = &indexedObject{Object: r.Object, first: r.Slot, last: r.Slot}
				index[r.Object] = o
				objects = append(objects, o)
			}
			part := parts[r.Object]
			if part == nil {
				part = &journalPart{file, r.Slot, r.Slot}
				parts[r.Object] = part
				o.parts = append(o.parts, part)
			}
			part.first, part.last = min(part.first, r.Slot), max(part.last, r.Slot)
			o.first, o.last = min(o.first, r.Slot), max(o.last, r.Slot)
			o.interval = intervalOf(r, o.interval)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s: no decision record in it", fileNames(files))
	}
	slices.SortFunc(objects, func(a, b *indexedObject) int { return strings.Compare(a.String(), b.String()) })
	return objects, nil
}

// intervalOf is the interval of the policy that a record carries.
func intervalOf(r *journal.Record, otherwise slot.Slot) slot.Slot {
	var p struct{ Interval int32 }
	if r.PolicyBody == "" || json.Unmarshal([]byte(r.PolicyBody), &p) != nil {
		return otherwise
	}
	return slot.Slot(p.Interval)
}

func fileNames(files []journalFile) string {
	var names []string
	for i := range files {
		names = append(names, files[i].name)
	}
	return strings.Join(names, ", ")
}

// choose is the object that is meant.
func choose(objects []*indexedObject, wanted *objectName) (*indexedObject, error) {
	var found []*indexedObject
	for _, o := range objects {
		if wanted == nil || wanted.matches(o.Object) {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, fmt.Errorf("no decisions of %s in the journals; there are:%s", wanted, candidateList(objects))
	case wanted == nil:
		return nil, fmt.Errorf("the journals have decisions of %d objects; name one of:%s", len(found), candidateList(found))
	}
	return nil, fmt.Errorf("%s is ambiguous; name one of:%s", wanted, candidateList(found))
}

// candidateList is one object a line.
func candidateList(objects []*indexedObject) string {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "\n  %s", o)
	}
	return b.String()
}

// A wallClock shows slots as briefly as their range allows.
type wallClock struct {
	location    *time.Location
	first, last slot.Slot
	// end is when the last decision would have been followed by the next.
	end slot.Slot
}

// clock shows the times of an object's decisions.
func (o *indexedObject) clock(location *time.Location) wallClock {
	return wallClock{location, o.first, o.last, o.last + o.interval}
}

func (c wallClock) at(s slot.Slot) time.Time { return s.Time().In(c.location) }

func (c wallClock) layout() string {
	from, to := c.at(c.first), c.at(c.last)
	switch {
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		return "15:04:05"
	case to.Sub(from) < 6*24*time.Hour:
		return "Mon 15:04:05"
	}
	return "01-02 15:04:05"
}

// short is a slot for tables and sentences.
func (c wallClock) short(s slot.Slot) string { return c.at(s).Format(c.layout()) }

// full is a slot with date and zone.
func (c wallClock) full(s slot.Slot) string { return c.at(s).Format("Mon 2006-01-02 15:04:05 MST") }

// rfc3339 is a slot for machines.
func (c wallClock) rfc3339(s slot.Slot) string { return c.at(s).Format(time.RFC3339) }

// parse reads the time of a flag.
func (c wallClock) parse(flag, text string) (slot.Slot, error) {
	t, err := parseTime(text, c.location, c.first.Time(), c.end.Time())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", flag, err)
	}
	return slot.At(t), nil
}
