package reports

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

//go:embed tune.js
var tuneSource string

// maxTold bounds the candidates that the page of a search tells of, besides the trades.
const maxTold = 1000

// A candidateView is a candidate as the script of the page tells of it; X and Y are
// where it is drawn, in figures.
type candidateView struct {
	Name      string  `json:"name"`
	X         float64 `json:"x"`
	Y         float64 `json:"y"`
	Expense   string  `json:"expense"`
	Breach    string  `json:"breach"`
	Reversals string  `json:"reversals"`
	Set       string  `json:"set"`
	// Variant is the flag with which replay plays it.
	Variant string `json:"variant,omitempty"`
}

// told are the current policy, the trades and as many other candidates as fit, from the
// cheapest on.
func (t *Tune) told() []candidateView {
	list := []candidateView{t.candidate("current", &t.Current)}
	others := 0
	for i := range t.Points {
		p := &t.Points[i]
		if !p.Pareto {
			if others++; others > maxTold {
				continue
			}
		}
		list = append(list, t.candidate(fmt.Sprintf("trial %d", p.Trial), p))
	}
	slices.SortStableFunc(list, func(a, b candidateView) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	return list
}

func (t *Tune) candidate(name string, p *TunePoint) candidateView {
	both := func(in, out string) string { return in + " in-sample, " + out + " held out" }
	v := candidateView{
		Name: name, X: t.expense(&p.In), Y: p.In.BreachMinutes, Set: cmp.Or(t.values(p.Values), "the policy as it is"),
		Expense: both(number(t.expense(&p.In)), number(t.expense(&p.Out))), Breach: both(number(p.In.BreachMinutes), number(p.Out.BreachMinutes)),
		Reversals: both(group(p.In.Reversals), group(p.Out.Reversals)),
	}
	if set := t.values(p.Values); set != "" {
		v.Variant = "--variant " + escape.Argument(strings.ReplaceAll(name, " ", "-")+"="+strings.ReplaceAll(set, ", ", ","))
	}
	return v
}

// tuneData returns the candidates as an element of the page, for its script.
func (t *Tune) tuneData() (template.HTML, error) {
	text, err := json.Marshal(struct {
		Expense string          `json:"expense"`
		Points  []candidateView `json:"points"`
	}{t.expenseName(), t.told()})
	if err != nil {
		return "", fmt.Errorf("the data of the candidates: %w", err)
	}
	return template.HTML(`<script type="application/json" id="data">` + string(text) + `</script>`), nil
}
