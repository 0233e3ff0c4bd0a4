package tune

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// Best is best.yaml: the autoscalers as recommended, else as they are, ready to
// apply, with comments that say why.
func (o *Outcome) Best() ([]byte, error) {
	var b bytes.Buffer
	for _, line := range o.heading() {
		b.WriteString("# " + line + "\n")
	}
	var choice *Trial
	if o.Verdict == Recommend {
		choice = o.Choice
	}
	written := map[string]bool{}
	for i := range o.Subjects {
		set, err := o.recommended(&o.Subjects[i], choice)
		if err != nil {
			return nil, err
		}
		for k, e := range set.Autoscalers {
			text, err := o.document(&o.Subjects[i].Set.Autoscalers[k], e, choice)
			if err != nil {
				return nil, fmt.Errorf("HorizontalAutoscaler %s/%s: %w", e.Object.Namespace, e.Object.Name, err)
			}
			if !written[text] {
				b.WriteString("---\n" + text)
			}
			written[text] = true
		}
	}
	return b.Bytes(), nil
}

// recommended is a subject's policy as it should be written; its own without a
// choice.
func (o *Outcome) recommended(subject *Subject, choice *Trial) (*manifest.Set, error) {
	if choice == nil {
		return subject.Set, nil
	}
	set, _, err := o.space.candidate(subject, choice)
	return set, err
}

// heading are the comments above the first document.
func (o *Outcome) heading() []string {
	lines := []string{"Keep what you have: this is the current policy."}
	if o.Verdict == Recommend {
		c := o.Counts()
		lines = []string{fmt.Sprintf("Trial %d of %s (sampler %s, seed %d).", o.Choice.ID, plural(c.Played, "candidate"), o.Sampler, o.Seed)}
	}
	for _, why := range o.Why {
		lines = append(lines, strings.ReplaceAll(why, "\n", " "))
	}
	return lines
}

// document is one autoscaler with a comment at each value that was searched.
func (o *Outcome) document(old *manifest.Autoscaler, e manifest.Autoscaler, choice *Trial) (string, error) {
	text, err := manifest.MarshalObject(e.Object)
	if err != nil || choice == nil {
		return string(text), err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return "", err
	}
	for i := range o.Parameters {
		if choice.Values[i] == "" {
			continue
		}
		p := &o.Parameters[i]
		was := p.written(old.Object)
		if key, _ := find(doc.Content[0], p.field); key != nil {
			key.HeadComment = o.because(i, was)
		} else if key, name := above(doc.Content[0], p.field); key != nil && was != "" {
			key.HeadComment = strings.TrimPrefix(key.HeadComment+"\n"+name+" is left out. "+o.because(i, was), "\n")
		}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	err = errors.Join(encoder.Encode(&doc), encoder.Close())
	return b.String(), err
}

// CurrentValue returns what the current policy has in place of a parameter, as it is
// written; of several autoscalers, the first one's.
func (o *Outcome) CurrentValue(i int) string {
	if text := o.Parameters[i].written(o.Subjects[0].Set.Autoscalers[0].Object); text != "" {
		return text
	}
	return "not set"
}

// written is the parameter's value in an object, empty where it is not written.
func (p *Parameter) written(object *v1alpha1.HorizontalAutoscaler) string {
	if p.mark != "" {
		return p.mark
	}
	text, err := manifest.MarshalObject(object)
	var doc yaml.Node
	if err != nil || yaml.Unmarshal(text, &doc) != nil {
		return ""
	}
	if _, value := find(doc.Content[0], p.field); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

// because says why a parameter has its value.
func (o *Outcome) because(i int, was string) string {
	p := &o.Parameters[i]
	if was == "" {
		was = "not set"
	}
	text := fmt.Sprintf("Was %s; searched %s.", was, p.Describe())
	if p.mark != "" {
		text = fmt.Sprintf("Its range was %s; searched %s.", p.mark, p.Describe())
	}
	im := o.Importance[i]
	text += fmt.Sprintf(" Explains %s %% of the candidates' differences in cost and %s %% in breach minutes.",
		short(100*im.Cost), short(100*im.Lacking))
	return text + o.around(i)
}

// around says what the parameter's neighbours gave.
func (o *Outcome) around(i int) string {
	choice := o.Choice.sum(0, o.Folds)
	var parts []string
	for _, n := range o.Neighbours {
		v := n.Values[i]
		if v == o.valueOf(o.Choice, i) || v == "" {
			continue
		}
		if len(n.Windows) < o.Folds {
			parts = append(parts, v+" is not valid")
			continue
		}
		in := n.sum(0, o.Folds)
		parts = append(parts, fmt.Sprintf("%s gives %s %s and %s breach minutes", v, change(o.expense(&in), o.expense(&choice)), o.expenseName(), change(float64(in.Lacking), float64(choice.Lacking))))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\nBeside it, " + strings.Join(parts, "; ") + "."
}

// find is the value of a field, nil where it is absent; key is what leads to it
// or to the nearest ancestor that can carry a comment.
func find(n *yaml.Node, path string) (key, value *yaml.Node) {
	for _, step := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' }) {
		next := (*yaml.Node)(nil)
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					key, next = n.Content[i], n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
				next = n.Content[i]
			}
		}
		if next == nil {
			return nil, nil
		}
		n = next
	}
	return key, n
}

// above is the nearest ancestor of an absent field that can carry a comment, nil
// without any, and the field's path from there.
func above(n *yaml.Node, path string) (key *yaml.Node, rest string) {
	at := len(path)
	for key == nil {
		if at = strings.LastIndexByte(path[:at], '.'); at < 0 {
			return nil, path
		}
		key, _ = find(n, path[:at])
	}
	return key, path[at+1:]
}
