package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// adopt converts foreign autoscalers and says what was passed over and what is left
// out, which makes the call fail at its end. The notes say what was changed or lost.
// It is an error if nothing is left.
func (a *app) adopt(set *manifest.Set, options convert.Options) ([]convert.Note, error) {
	a.noteSkipped(set)
	a.noteNamespace(set, options)
	conversions := sim.Adopt(set, options)
	leftOut := sim.LeftOut(conversions)
	if leftOut != nil && len(set.Autoscalers) == 0 {
		return nil, leftOut
	}
	a.leaveOut(leftOut)
	a.conversions = append(a.conversions, conversions...)
	return sim.Notes(conversions), nil
}

// adoptAll is adopt where nothing may be left out.
func (a *app) adoptAll(set *manifest.Set, options convert.Options) ([]convert.Note, error) {
	a.noteSkipped(set)
	a.noteNamespace(set, options)
	var notes []convert.Note
	conversions := sim.Adopt(set, options)
	for i := range conversions {
		if len(conversions[i].Made) > 0 {
			notes = append(notes, conversions[i].Notes...)
		}
	}
	return notes, sim.LeftOut(conversions)
}

// noteNamespace says what was assumed of objects that name no namespace: theirs is
// in the queries that they are converted to.
func (a *app) noteNamespace(set *manifest.Set, options convert.Options) {
	if set.Unplaced > 0 && options.Namespace == "" {
		a.note("%s without a namespace: %q is assumed, also in the queries; give another one with -n", counted(set.Unplaced, "object"), manifest.DefaultNamespace)
	}
}

// leaveOut says why objects are left out of a call that goes on without them, and
// has it fail.
func (a *app) leaveOut(err error) {
	if err == nil {
		return
	}
	a.partial = true
	a.sayEach(err)
}

// sayEach prints every one of the mistakes with places, however many there are.
func (a *app) sayEach(err error) {
	for _, e := range manifest.Placed(err) {
		fmt.Fprintf(a.stderr, "karpenter: %s\n", e)
	}
	a.annotateErrors(err)
}

// tellLosses prints what became of each object of another autoscaler if something
// of one is lost.
func (a *app) tellLosses() {
	if slices.ContainsFunc(a.conversions, func(c sim.Conversion) bool {
		result, _ := becameOf(&c)
		return result != converted && c.Owner == ""
	}) {
		a.tellConversions()
	}
}

// tellConversions prints what became of each object of another autoscaler.
func (a *app) tellConversions() {
	if a.quiet || len(a.conversions) == 0 {
		return
	}
	w := tabwriter.NewWriter(a.stderr, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OBJECT\tRESULT\tDETAIL")
	for i := range a.conversions {
		c := &a.conversions[i]
		result, detail := becameOf(c)
		fmt.Fprintf(w, "%s\t%s\t%s\n", escape.Inline(fmt.Sprint(c.Object)), result, escape.Inline(detail))
	}
	w.Flush() // like every note, whether or not stderr takes it
}

// The results of a conversion.
const (
	converted  = "converted"
	withLosses = "with losses"
	leftOut    = "left out"
)

// becameOf returns what a conversion made of an object, in a word and in detail.
func becameOf(c *sim.Conversion) (result, detail string) {
	if c.Owner != "" {
		return leftOut, "KEDA's own HPA of " + c.Owner
	}
	if len(c.Made) == 0 {
		var fields []string
		for _, e := range manifest.Placed(c.Err) {
			if !slices.Contains(fields, e.Field) {
				fields = append(fields, e.Field)
			}
		}
		return leftOut, strings.Join(fields, ", ")
	}
	var made []string
	for _, object := range c.Made {
		made = append(made, shortName(object.GetObjectKind().GroupVersionKind().Kind)+"/"+object.(metav1.Object).GetName())
	}
	detail = strings.Join(made, ", ")
	var lost []string
	for _, n := range c.Notes {
		if n.Dropped && !slices.Contains(lost, n.Field) {
			lost = append(lost, n.Field)
		}
	}
	if len(lost) == 0 {
		return converted, detail
	}
	return withLosses, detail + ", without " + strings.Join(lost, ", ")
}

// shortName is kubectl's short name for one of our kinds.
func shortName(kind string) string {
	if short := journal.ShortName(kind); short != "" {
		return short
	}
	return strings.ToLower(kind)
}
