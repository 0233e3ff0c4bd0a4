package tune

import (
	"errors"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Take takes what a completed spec.tune says.
func (o *Options) Take(t *scenario.Tune) error {
	o.Sampler, o.Trials, o.Folds, o.Seed, o.Season = t.Sampler, *t.Trials, *t.Folds, *t.Seed, t.Season
	var errs []error
	for _, text := range t.Constraints {
		c, err := ParseConstraint(text)
		o.Constraints, errs = append(o.Constraints, c), append(errs, err)
	}
	for i := range t.Parameters {
		p, err := parameterOf(&t.Parameters[i])
		o.Parameters, errs = append(o.Parameters, p), append(errs, err)
	}
	return errors.Join(errs...)
}

func parameterOf(given *scenario.TuneParameter) (Parameter, error) {
	p := Parameter{Path: given.Path, With: given.With}
	for _, v := range given.Values {
		p.Values = append(p.Values, string(v))
	}
	low, high, ok := given.Bounds()
	if !ok {
		return p, nil
	}
	how := given.Scale
	if given.Step != "" {
		how = string(given.Step)
	}
	return p, p.SetRange(low, high, how)
}

// Stanza returns the parameter as an entry of spec.tune.
func (p *Parameter) Stanza() scenario.TuneParameter {
	out := scenario.TuneParameter{Path: p.Path, With: p.With}
	for _, v := range p.Values {
		out.Values = append(out.Values, scenario.TuneValue(v))
	}
	if len(p.Values) > 0 {
		return out
	}
	low, high, step := p.Bounds()
	out.Range, out.Step = low+".."+high, scenario.TuneValue(step)
	if p.Log {
		out.Scale = "log"
	}
	return out
}
