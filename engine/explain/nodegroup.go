package explain

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// group returns what a node group's decision rested on; nil where the journal has lost
// it, or the engine decides otherwise.
func (e *Explanation) group() *journal.GroupStep {
	if !e.step.Known || !e.step.Agreed || e.step.Group.Policy == nil {
		return nil
	}
	return &e.step.Group
}

// groupStages are the steps of a node group's decision.
func (e *Explanation) groupStages() []Stage {
	if e.step.Record.Reason == autoscaler.InvalidPolicy {
		return []Stage{invalidSpec}
	}
	g := e.group()
	if g == nil {
		return e.recordedStages()
	}
	list := []Stage{e.groupObserved(g)}
	if g.Before.Attempt > 0 {
		list = append(list, Stage{Name: "earlier", Text: e.earlier(&g.Before)})
	}
	if !g.Decision.Known {
		return append(list, Stage{Name: "command", Text: "nothing: a group that cannot be read is left as it is"})
	}
	return append(list, e.wanted(g), e.command(g))
}

// groupObserved returns what was read of the spec and of the provider.
func (e *Explanation) groupObserved(g *journal.GroupStep) Stage {
	s := Stage{Name: "observed", Value: g.Input.Spec, Text: "spec.replicas"}
	if g.Input.Spec == nil {
		s.Text = "spec.replicas is absent"
	}
	group := &g.Input.Group
	if code := group.Usable(); code != observation.OK {
		s.More = append(s.More, "the provider's group could not be used: "+Meaning(code))
		return s
	}
	bounds := fmt.Sprintf("minimum %d", group.Min)
	if group.Max >= 0 {
		bounds += fmt.Sprintf(", maximum %d", group.Max)
	}
	s.More = append(s.More, fmt.Sprintf("the provider works towards %d, %d ready; %s", group.Desired, group.Ready, bounds))
	if group.Issue != observation.OK {
		s.More = append(s.More, "its issue with the group: "+Meaning(group.Issue))
	}
	return s
}

// earlier is the command that has not landed, or whose failure still delays.
func (e *Explanation) earlier(s *nodegroup.State) string {
	text := fmt.Sprintf("at %s the provider was told %d", e.short(s.Slot), s.To)
	if s.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	if s.Code == observation.OK {
		return text + "; it was taken"
	}
	return text + "; refused: " + Meaning(s.Code)
}

// wanted returns what the provider's bounds made of the spec.
func (e *Explanation) wanted(g *journal.GroupStep) Stage {
	d, group := &g.Decision, &g.Input.Group
	s := Stage{Name: "wanted", Value: &d.Wanted}
	switch {
	case d.Adopt:
		s.Text = "what the provider works towards; spec.replicas is set to it"
	case d.Clipped == nodegroup.AtMax:
		s.Text = fmt.Sprintf("the provider's maximum %d", group.Max)
	case d.Clipped == nodegroup.AtMin:
		s.Text = fmt.Sprintf("the provider's minimum %d", group.Min)
	default:
		s.Text = "within the provider's bounds"
	}
	return s
}

// command returns what the provider is told, and what it made of that.
func (e *Explanation) command(g *journal.GroupStep) Stage {
	r, d := e.step.Record, &g.Decision
	s := Stage{Name: "command", Value: r.Command}
	switch {
	case r.Command != nil && r.DryRun:
		s.Text = "dry run: the provider is not told"
	case r.Command != nil:
		s.Text = "is what the provider is told"
		if code := g.After.Code; code != observation.OK {
			s.More = append(s.More, "refused: "+Meaning(code), e.retry(&g.After))
		}
	case g.Input.Group.Desired == d.Wanted:
		s.Text = "nothing: the provider works towards it"
	default:
		s.Text = "nothing yet: " + e.retry(&g.After)
	}
	return s
}

// retry says when the provider is told again.
func (e *Explanation) retry(s *nodegroup.State) string {
	text := fmt.Sprintf("another attempt is made from %s", e.short(s.Until))
	switch {
	case s.Code == observation.OK:
		return text + ", and for another size at once"
	case nodegroup.Final(s.Code):
		return text + ", and for another spec at once"
	case s.Code == observation.LimitReached:
		return text + ", and for a smaller size at once"
	}
	return text
}

// groupWhy is a node group's reason in a few words.
func (e *Explanation) groupWhy() string {
	r, g := e.step.Record, e.group()
	switch {
	case r.Reason == autoscaler.InvalidPolicy:
		return "the spec is invalid"
	case g == nil:
		return e.recordedWhy()
	case !g.Decision.Known:
		return "provider: " + string(g.Decision.Code)
	}
	d, group := &g.Decision, &g.Input.Group
	list := []string{fmt.Sprintf("%d wanted", d.Wanted)}
	if d.Clipped != "" && g.Input.Spec != nil {
		list = []string{fmt.Sprintf("%d wanted, the provider's %simum is %d", *g.Input.Spec, d.Clipped, d.Wanted)}
	}
	there := fmt.Sprintf("%d ready", group.Ready)
	if group.Desired != d.Wanted {
		there = fmt.Sprintf("the provider works towards %d", group.Desired)
	}
	list = append(list, there)
	switch after := &g.After; {
	case r.Command != nil && after.Code != observation.OK && !r.DryRun:
		list = append(list, "refused: "+string(after.Code))
	case r.Command == nil && group.Desired != d.Wanted && after.Code != observation.OK:
		list = append(list, fmt.Sprintf("%s at %s, again from %s", after.Code, e.short(after.Slot), e.short(after.Until)))
	case r.Command == nil && group.Desired != d.Wanted:
		list = append(list, fmt.Sprintf("told at %s, again from %s", e.short(after.Slot), e.short(after.Until)))
	}
	if group.Issue != observation.OK {
		list = append(list, "issue: "+string(group.Issue))
	}
	return strings.Join(list, "; ")
}
