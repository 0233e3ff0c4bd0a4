package reports

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"math"
)

//go:embed tune.html.tmpl
var tuneText string

//go:embed tune.css
var tuneStyle string

var tuneTemplate = template.Must(template.New("tune").Parse(tuneText))

// A tunePage is tune.html as its template sees it.
type tunePage struct {
	Style                     template.CSS
	Policy, Data              template.HTML
	Script                    template.JS
	Name, Covered, Headline   string
	Expense                   string
	Badges                    []badgeView
	Rows                      []rowView
	Pareto, Pairs             *figureView
	Assumptions, Why, Notes   []string
	Command                   string
	Folds, Trades, Neighbours *tableView
	Importance                []importanceView
	Maps                      []mapView
	About                     []textView
	Patches                   []TunePatch
}

type (
	importanceView struct {
		Path, Searched, Current, Chosen string
		Bars                            []barView
	}
	barView struct {
		Class, Text string
		Width       template.CSS
	}
	mapView struct {
		X, Y    string
		XLabels []string
		Rows    []mapRow
	}
	mapRow struct {
		Label string
		Cells []mapCell
	}
	mapCell struct {
		Text, Title, Class string
	}
)

// HTML is tune.html: one file that needs nothing else.
func (t *Tune) HTML() ([]byte, error) {
	p, err := t.page()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := tuneTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("%s: %w", tuneHTML, err)
	}
	return b.Bytes(), nil
}

func (t *Tune) page() (*tunePage, error) {
	p := &tunePage{
		Style: template.CSS(style + tuneStyle), Policy: contentPolicy(tuneSource), Script: template.JS(tuneSource), Name: t.Name, Headline: t.Headline(), Expense: t.expenseName(),
		Badges: t.badges(), Assumptions: t.Assumptions, Why: t.Why, Notes: t.Notes, Command: t.Command,
		Importance: t.importanceViews(), About: t.about(), Patches: t.Patches,
	}
	if len(t.Folds) == 0 {
		return p, nil
	}
	p.Covered = t.clock().covered()
	p.Rows = t.comparison()
	p.Folds = &tableView{Titles: t.foldTitles(), Rows: t.foldRows(), Note: t.foldNote()}
	p.Trades, p.Neighbours = t.tradeTable(), t.neighbourTable()
	for i := range t.Maps {
		p.Maps = append(p.Maps, t.Maps[i].view())
	}
	var err error
	if p.Pareto, err = t.paretoView(); err != nil {
		return nil, err
	}
	if p.Pairs, err = t.pairsView(); err != nil {
		return nil, err
	}
	p.Data, err = t.tuneData()
	return p, err
}

func (t *Tune) badges() []badgeView {
	verdict := badgeView{"strong", map[string]string{TuneRecommend: "recommendation", TuneKeep: "keep what you have", TuneUnranked: "nothing ranked"}[t.Verdict]}
	list := []badgeView{verdict}
	if len(t.Folds) > 0 {
		list = append(list, badgeView{"", "best of " + group(int64(t.Played)) + " candidates"})
	}
	if t.Choice != 0 && t.Neighbours > 0 {
		b := badgeView{"good", fmt.Sprintf("✓ plateau: %d of %d neighbours hold", t.Near, t.Neighbours)}
		if !t.Plateau {
			b = badgeView{"bad", fmt.Sprintf("✗ peak: %d of %d neighbours hold", t.Near, t.Neighbours)}
		}
		list = append(list, b)
	}
	if n := len(t.Folds); n > 0 {
		held := 0
		for i := range t.Folds {
			if t.Folds[i].Held {
				held++
			}
		}
		class := ""
		if held == n {
			class = "good"
		}
		list = append(list, badgeView{class, fmt.Sprintf("held in %d of %d folds", held, n)})
	}
	if t.Loop != "" {
		list = append(list, badgeView{"", string(t.Loop)})
	}
	if t.Fidelity != nil {
		class := ""
		if t.Verdict == "unranked" {
			class = "bad"
		}
		list = append(list, badgeView{class, "fidelity " + percentDown(*t.Fidelity) + " %"})
	}
	return list
}

func (t *Tune) foldNote() string {
	return "Changes relative to the current policy over the same time. A fold chooses by the time before its held-out window, which begins as said, and by nothing else. " +
		fmt.Sprintf("All held-out windows together: %s %s, %s breach minutes.",
			change(t.expense(&t.HeldOut), t.expense(&t.CurrentHeldOut)), t.expenseName(), change(t.HeldOut.BreachMinutes, t.CurrentHeldOut.BreachMinutes))
}

// maxTrades bounds the rows of the table of trades.
const maxTrades = 40

func (t *Tune) tradeTable() *tableView {
	trades := t.trades()
	if len(trades) == 0 {
		return nil
	}
	view := &tableView{Titles: []string{t.expenseName() + " in-sample", "held out", "breach minutes in-sample", "held out", "reversals in-sample", "held out"}}
	for i := range thin(len(trades), maxTrades) {
		p := &trades[thinned(i, len(trades), maxTrades)]
		view.Rows = append(view.Rows, rowView{
			Name: fmt.Sprintf("trial %d", p.Trial), Title: t.values(p.Values), Primary: p.Trial == t.Choice,
			Cells: t.tradeCells(p),
		})
	}
	view.Rows = append(view.Rows, rowView{Name: "current", Cells: t.tradeCells(&t.Current)})
	view.Note = "In-sample is the time that the last fold chooses by, held out the newest window. A trial's parameters are in trials.jsonl and in the tip of its name."
	if len(trades) > maxTrades {
		view.Note = fmt.Sprintf("%d of %d trades. ", maxTrades, len(trades)) + view.Note
	}
	return view
}

func (t *Tune) tradeCells(p *TunePoint) []string {
	return []string{
		number(t.expense(&p.In)), number(t.expense(&p.Out)), number(p.In.BreachMinutes), number(p.Out.BreachMinutes),
		group(p.In.Reversals), group(p.Out.Reversals),
	}
}

// values are a trial's parameters in one line.
func (t *Tune) values(values []string) string {
	text := ""
	for i := range min(len(values), len(t.Parameters)) {
		if values[i] == "" {
			continue // as it is
		}
		if text != "" {
			text += ", "
		}
		text += t.Parameters[i].Path + "=" + values[i]
	}
	return text
}

func (t *Tune) neighbourTable() *tableView {
	if len(t.Around) == 0 {
		return nil
	}
	view := &tableView{Titles: []string{"changed to", t.expenseName(), "breach minutes"}}
	choice := t.choice()
	for i := range t.Around {
		n := &t.Around[i]
		row := rowView{}
		for k := range n.Values {
			if n.Values[k] != choice.Values[k] {
				row.Name, row.Cells = t.Parameters[k].Path, []string{cmp.Or(choice.Values[k], t.Parameters[k].Current) + " → " + n.Values[k]}
			}
		}
		if n.Invalid != "" {
			row.Cells = append(row.Cells, "not valid", "")
		} else {
			row.Cells = append(row.Cells, change(t.expense(&n.In), t.expense(&choice.In)), change(n.In.BreachMinutes, choice.In.BreachMinutes))
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

// choice is the point of the last fold's choice, nil without one.
func (t *Tune) choice() *TunePoint {
	for i := range t.Points {
		if t.Choice != 0 && t.Points[i].Trial == t.Choice {
			return &t.Points[i]
		}
	}
	return nil
}

func (t *Tune) importanceViews() []importanceView {
	var list []importanceView
	for i := range t.Parameters {
		p := &t.Parameters[i]
		list = append(list, importanceView{
			Path: p.Path, Searched: p.Searched, Current: p.Current, Chosen: p.Chosen,
			Bars: []barView{bar("cost", t.expenseName(), p.Cost), bar("lack", "breach minutes", p.Lacking)},
		})
	}
	return list
}

func bar(class, what string, share float64) barView {
	return barView{class, fmt.Sprintf("%s %% of %s", number(math.Round(100*share)), what), template.CSS(fmt.Sprintf("width:%.1f%%", 100*share))}
}

func (t *Tune) about() []textView {
	list := []textView{{"sampler", t.Sampler}, {"seed", fmt.Sprint(t.Seed)}, {"candidates", fmt.Sprintf("%s played, of them %s stopped early; %s not valid", group(int64(t.Played)), group(int64(t.Stopped)), group(int64(t.Invalid)))}}
	for _, c := range t.Constraints {
		list = append(list, textView{"constraint", c})
	}
	if t.Version != "" {
		list = append(list, textView{"version", t.Version})
	}
	if t.Loop != "" {
		list = append(list, textView{string(t.Loop), t.Loop.Explain()})
	}
	return append(list, textView{"search", t.Digest})
}

// heats is the strongest of the colours heat0 to heat8 of tune.css.
const heats = 8

// view makes cells of a map: the less loss, the stronger the colour.
func (m *TuneMap) view() mapView {
	v := mapView{X: m.X, Y: m.Y, XLabels: m.XLabels}
	least, most := math.Inf(1), math.Inf(-1)
	for _, row := range m.Best {
		for _, x := range row {
			if !math.IsNaN(x) {
				least, most = min(least, x), max(most, min(x, 1.2))
			}
		}
	}
	for y := len(m.Best) - 1; y >= 0; y-- {
		row := mapRow{Label: m.YLabels[y]}
		for x, best := range m.Best[y] {
			row.Cells = append(row.Cells, m.cell(x, y, best, least, most))
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func (m *TuneMap) cell(x, y int, best, least, most float64) mapCell {
	if math.IsNaN(best) {
		return mapCell{Title: "no candidates", Class: "none"}
	}
	share := 1.0
	if most > least {
		share = (most - min(best, most)) / (most - least)
	}
	c := mapCell{
		Text: number(math.Round(100 * best)), Title: fmt.Sprintf("%d candidates", m.Trials[y][x]),
		Class: fmt.Sprintf("heat%d", int(math.Round(heats*share))),
	}
	if x == m.ChoiceX && y == m.ChoiceY {
		c.Class, c.Title = c.Class+" choice", c.Title+", the choice among them"
	}
	return c
}
