package tune

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A space is the parameters and what they are parameters of.
type space struct {
	parameters []Parameter
	subjects   []Subject
	// current are the parameters' values in the current policy of the first
	// autoscaler, empty where they cannot be told or lie outside the space.
	current []string
}

// newSpace checks the parameters against every autoscaler of the subjects.
func newSpace(parameters []Parameter, subjects []Subject) (*space, error) {
	s := &space{subjects: subjects}
	var errs []error
	seen := map[string]bool{}
	for _, p := range parameters {
		err := p.complete()
		if err == nil && seen[p.field] {
			err = fmt.Errorf("%s is searched twice", p.field)
		}
		if err == nil && (strings.HasPrefix(p.field, "spec.scaleTargetRef") || p.field == "spec.dryRun") {
			err = fmt.Errorf("%s is no behaviour: it says what is scaled, not how", p.field)
		}
		seen[p.field] = true
		if err == nil {
			err = s.fit(&p)
		}
		errs = append(errs, err)
		s.parameters = append(s.parameters, p)
	}
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	return s, s.findCurrent()
}

// findCurrent finds out where in the space the current policy lies.
func (s *space) findCurrent() error {
	autoscalers, err := s.subjects[0].resolve(s.subjects[0].Set)
	if err != nil {
		return err
	}
	if len(autoscalers) == 0 {
		return fmt.Errorf("%s has no HorizontalAutoscaler", s.subjects[0].Name)
	}
	for i := range s.parameters {
		text := s.parameters[i].written(autoscalers[0].Object)
		if text == "" {
			text = unwritten(s.parameters[i].field, autoscalers[0].Policy)
		}
		if x := s.parameters[i].Position(text); !(x >= 0 && x <= 1) {
			text = ""
		}
		s.current = append(s.current, text)
	}
	return nil
}

// unwritten returns what holds where a field of the behavior is not written.
func unwritten(field string, p *policy.Autoscaler) string {
	rules := &p.Up
	name, ok := strings.CutPrefix(field, "spec.behavior.scaleUp.")
	if !ok {
		rules = &p.Down
		name, _ = strings.CutPrefix(field, "spec.behavior.scaleDown.")
	}
	switch {
	case name == "stabilizationWindowSeconds":
		return strconv.Itoa(int(rules.Window))
	case name == "tolerance":
		return number(rules.Tolerance)
	case field == "spec.pollingIntervalSeconds":
		return strconv.Itoa(int(p.Interval))
	}
	return ""
}

// fractions says what of a range is no whole number, empty where all is.
func (p *Parameter) fractions() string {
	for _, v := range []float64{p.Low, p.High, p.Step} {
		if v != float64(int64(v)) {
			return number(v)
		}
	}
	return ""
}

// fit finds out whether the field exists and takes fractions.
func (s *space) fit(p *Parameter) error {
	for i := range s.subjects {
		for _, e := range s.subjects[i].Set.Autoscalers {
			if p.mark != "" {
				if _, err := p.assignments(e.Object, p.mark); err != nil {
					return err
				}
				continue
			}
			first := p.level(0, 2)
			if len(p.Values) == 0 {
				first = "1"
			}
			if err := p.takes(e, first); err != nil {
				return err
			}
			if len(p.Values) == 0 && p.takes(e, "0.125") != nil {
				p.whole = true
			}
		}
	}
	if p.whole && p.mark == "" {
		if v := p.fractions(); v != "" {
			return fmt.Errorf("%s takes whole numbers; %s is none", p.Path, v)
		}
	}
	return nil
}

// takes says whether the field can be set to a value at all. Whether the policy
// is valid then is another question.
func (p *Parameter) takes(e manifest.Autoscaler, value string) error {
	list, err := p.assignments(e.Object, value)
	if err != nil {
		return err
	}
	_, err = manifest.Assign(e, list)
	var errs manifest.Errors
	var one *manifest.Error
	switch {
	case errors.As(err, &errs) && len(errs) > 0:
		return fmt.Errorf("%s: %s", p.Path, errs[0].Message)
	case errors.As(err, &one):
		return fmt.Errorf("%s: %s", p.Path, one.Message)
	}
	return err
}

// assignments sets the parameter of one object to a value.
func (p *Parameter) assignments(o *v1alpha1.HorizontalAutoscaler, value string) ([]string, error) {
	if p.mark == "" {
		list := append([]string{}, p.With...)
		return append(list, p.field+"="+value), nil
	}
	query, err := queryAt(o, p.field)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(query, "["+p.mark+"]") {
		return nil, fmt.Errorf("%s: the query of %s/%s has no range [%s]; it is %s", p.Path, o.Namespace, o.Name, p.mark, query)
	}
	changed := strings.ReplaceAll(query, "["+p.mark+"]", "["+value+"]")
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(changed) + `"`
	return []string{p.field + "=" + quoted}, nil
}

// queryAt is the query at a path such as spec.metrics[0].prometheus.query.
func queryAt(o *v1alpha1.HorizontalAutoscaler, path string) (string, error) {
	for i, m := range o.Spec.Metrics {
		if path == "spec.metrics["+strconv.Itoa(i)+"].prometheus.query" && m.Prometheus != nil {
			return m.Prometheus.Query, nil
		}
	}
	return "", fmt.Errorf("%s: %s/%s has %d metrics and no query there; want spec.metrics[i].prometheus.query[RANGE]", path, o.Namespace, o.Name, len(o.Spec.Metrics))
}

// candidate is the policy of a subject as a trial has it. The
// error says why the policy is not valid.
func (s *space) candidate(subject *Subject, t *Trial) (*manifest.Set, []sim.Autoscaler, error) {
	set := *subject.Set
	set.Autoscalers = make([]manifest.Autoscaler, len(subject.Set.Autoscalers))
	for i, e := range subject.Set.Autoscalers {
		for k := range s.parameters {
			if t.Values[k] == "" {
				continue
			}
			list, err := s.parameters[k].assignments(e.Object, t.Values[k])
			if err != nil {
				return nil, nil, err
			}
			if e, err = manifest.Assign(e, list); err != nil {
				return nil, nil, err
			}
		}
		e, err := subject.with(e, t.Metric)
		if err != nil {
			return nil, nil, err
		}
		if set.Autoscalers[i], err = reread(e); err != nil {
			return nil, nil, err
		}
	}
	autoscalers, err := subject.resolve(&set)
	return &set, autoscalers, err
}

// reread is an autoscaler as it reads when it has been written, so that what is
// recommended is to the last bit what was played: 8.2 and 8200m are not the same
// float.
func reread(e manifest.Autoscaler) (manifest.Autoscaler, error) {
	text, err := manifest.MarshalObject(e.Object)
	if err != nil {
		return e, err
	}
	docs, err := manifest.Parse("candidate", text)
	if err != nil {
		return e, err
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		return e, err
	}
	return set.Autoscalers[0], nil
}

// check says why values make no valid policy, empty where they do.
func (s *space) check(values []string) string {
	for i := range s.subjects {
		if _, _, err := s.candidate(&s.subjects[i], &Trial{Values: values}); err != nil {
			return firstLine(err)
		}
	}
	return ""
}

// firstLine is the first of an error's lines, without its place: the value is
// none of a file.
func firstLine(err error) string {
	var list manifest.Errors
	if errors.As(err, &list) && len(list) > 0 {
		return list[0].Field + ": " + list[0].Message
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
