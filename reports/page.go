package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/sim/result"
)

//go:embed style.css
var style string

//go:embed page.html.tmpl
var pageText string

//go:embed index.html.tmpl
var indexText string

var (
	pageTemplate  = template.Must(template.New("page").Funcs(template.FuncMap{"less": lessIsBetter}).Parse(pageText))
	indexTemplate = template.Must(template.New("index").Parse(indexText))
)

// A page is report.html as its template sees it; all texts are ready to show.
type page struct {
	Style                           template.CSS
	Policy, Data                    template.HTML
	Script                          template.JS
	Hatches                         []template.HTML
	Name, Covered, Headline, Trade  string
	Description, Command            string
	Badges                          []badgeView
	Titles                          []string
	Rows                            []rowView
	Figure                          *figureView
	Key                             []keyView
	Fidelity, Assumptions, Notes    []string
	Expectations                    []expectationView
	Episodes                        []episodeView
	Causes, Fixes, Objects, Figures *tableView
	Targets                         []targetView
	Compared                        []figureView
	Meanings                        []meaningView
	Definitions, About              []textView
	Decisions                       *decisionsView
	Faults                          *faultsView
	Policies                        []policyView
}

type (
	badgeView struct{ Class, Text string }
	rowView   struct {
		Name, Title string
		Link        string // of the name, within the page
		Swatch      template.HTML
		Cells       []string
		Primary     bool
		Reference   bool
		Best        bool // of the columns that are ranked
		Less        bool // of the figure is better
	}
	tableView struct {
		Titles []string
		Rows   []rowView
		Note   string
	}
	figureView struct {
		Caption  string
		Drawings []template.HTML
		Chart    int // number of its data
	}
	keyView struct {
		Swatch template.HTML
		Text   string
	}
	expectationView struct {
		Class, Result, Name, Expr, Failure string
		Excerpts                           []excerptView
	}
	excerptView struct {
		Series  string
		Spark   template.HTML
		Samples []sampleView
	}
	sampleView struct {
		Time, Value string
		Moment      bool
	}
	episodeView struct {
		ID, When, Text, Causes, Explain string
		Bar                             []template.HTML
	}
	textView   struct{ Name, Text string }
	policyView struct {
		Title string
		Lines []textView
	}
)

// HTML is report.html: one file that needs nothing else.
func (r *Report) HTML() ([]byte, error) {
	p, err := r.page()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("%s: %w", htmlName, err)
	}
	return escape.Document(b.Bytes()), nil
}

func (r *Report) page() (*page, error) {
	run := r.Run
	p := &page{
		Style: template.CSS(style), Policy: contentPolicy(exploreSource), Script: template.JS(exploreSource), Hatches: hatches(),
		Name: run.Name, Covered: clockOf(run).covered(), Headline: r.Headline, Trade: r.Trade,
		Description: run.Description, Command: run.Command,
		Badges: r.badges(), Titles: r.figureTitles(), Rows: r.columnRows(),
		Fidelity: r.fidelityDetail(), Assumptions: r.assumptions(), Notes: r.notes(),
		Faults: r.faultsView(), Objects: r.objectTable(), Figures: r.figureTable(),
		Meanings: meanings(), Definitions: r.definitions(), About: r.about(), Decisions: r.decisionsView(), Policies: r.policyViews(),
	}
	var err error
	if p.Expectations, err = r.expectationViews(); err != nil {
		return nil, err
	}
	o := r.focus()
	if o == nil {
		return p, nil
	}
	main := r.figure(o)
	e := newExploration(main.clock)
	e.decide(r.Runs, o.Label)
	if p.Figure, err = r.figureView(main, o); err != nil {
		return nil, err
	}
	p.Figure.Chart = e.add(main, o.Label, "Replicas of "+o.Label, maxLineChanges)
	e.addColumns(r, o)
	if p.Key = o.key(); p.Objects == nil {
		p.Episodes, p.Causes, p.Fixes = r.episodeViews(o), r.causeTable(o), r.fixTable(o)
	} else if p.Targets, err = r.targetViews(e); err != nil {
		return nil, err
	}
	if p.Compared, err = r.comparedFigures(o, e); err != nil {
		return nil, err
	}
	p.Data, err = e.script()
	return p, err
}

// figure is that of an object of the primary column, beside what really ran.
func (r *Report) figure(o *ObjectReport) *figure {
	var recorded *ObjectReport
	if c := r.Column(Recorded); c != nil && c != &r.Columns[r.primary] {
		recorded = c.object(o.Object)
	}
	return newFigure(r.Run, o, recorded)
}

func (r *Report) figureView(f *figure, o *ObjectReport) (*figureView, error) {
	caption := "Replicas of " + o.Label + ", " + f.clock.window(f.from, f.to)
	if f.overview() {
		caption += "; below, the whole run, with marks where too few replicas were ready"
	}
	view := &figureView{Caption: caption + "."}
	for _, s := range f.sizes() {
		drawing, err := f.svg(s, "Replicas of "+o.Label, f.describe(o))
		if err != nil {
			return nil, err
		}
		view.Drawings = append(view.Drawings, template.HTML(drawing))
	}
	return view, nil
}

// comparedFigures show the same stretch under each other column, on one scale.
func (r *Report) comparedFigures(o *ObjectReport, e *exploration) ([]figureView, error) {
	var figures []*figure
	var views []figureView
	least := 0.0
	for i := range r.Columns {
		c := &r.Columns[i]
		other := c.object(o.Object)
		if i == r.primary || other == nil || len(figures) == maxCompared || r.Run.Columns[i].Reference {
			continue
		}
		f := newFigure(r.Run, other, nil)
		if c.Name == Recorded {
			f.faults = nil // they happened in the simulation only
		}
		f.alone, f.from, f.to = true, r.Run.Start, r.Run.End
		if len(o.Episodes) > 0 {
			f.zoom(&o.Episodes[0])
		}
		least = max(least, f.greatest(f.from, f.to))
		figures = append(figures, f)
		views = append(views, figureView{Caption: fmt.Sprintf("%s: %s, %s.", c.Name, o.Label, f.clock.window(f.from, f.to))})
	}
	for i, f := range figures {
		f.least = least
		for _, s := range f.sizes() {
			drawing, err := f.svg(s, views[i].Caption, "Replicas needed against decided")
			if err != nil {
				return nil, err
			}
			views[i].Drawings = append(views[i].Drawings, template.HTML(drawing))
		}
		views[i].Chart = e.add(f, o.Label, views[i].Caption, maxLineChanges)
	}
	return views, nil
}

// maxCompared bounds the plots of other columns.
const maxCompared = 6

func (r *Report) badges() []badgeView {
	var list []badgeView
	if r.Run.Loop != "" {
		class := "strong"
		if r.Run.Loop == result.OpenLoop {
			class = "strong open"
		}
		list = append(list, badgeView{class, string(r.Run.Loop)})
	}
	if f := r.Run.Fidelity; f != nil {
		class := ""
		if !r.Run.Trusted() {
			class = "bad"
		}
		list = append(list, badgeView{class, strings.ToLower(r.fidelity()[:1]) + r.fidelity()[1:]})
	}
	if o := r.focus(); o != nil && o.score.saturated > 0 {
		list = append(list, badgeView{"bad", "recording saturated for " + minutesOrSeconds(o.score.saturated)})
	}
	all := len(r.Run.Expectations)
	switch failed := len(r.Failures()); {
	case all == 0:
	case failed == 0:
		list = append(list, badgeView{"good", fmt.Sprintf("✓ %d of %d expectations held", all, all)})
	default:
		list = append(list, badgeView{"bad", fmt.Sprintf("✗ %d of %d expectations failed", failed, all)})
	}
	return list
}

func (r *Report) figureTitles() []string {
	var titles []string
	for _, f := range tableFigures(r) {
		titles = append(titles, f.title)
	}
	return titles
}

// lessIsBetter says whether less is, of the figure that a heading of the first table names.
func lessIsBetter(heading string) bool { return heading != "largest count" }

func (r *Report) columnRows() []rowView {
	var rows []rowView
	best := r.bestName()
	for i := range r.Columns {
		row := rowView{Name: r.Columns[i].Name, Primary: i == r.primary && len(r.Columns) > 1, Reference: r.Run.Columns[i].Reference}
		row.Best = row.Name == best && best != ""
		for _, f := range tableFigures(r) {
			row.Cells = append(row.Cells, r.cell(i, f.metric))
		}
		rows = append(rows, row)
	}
	return rows
}

// key lists what limited the worst object, with minutes.
func (o *ObjectReport) key() []keyView {
	var list []keyView
	shares := phraseShares(o.Causes)
	var seconds int64
	for i := range shares {
		seconds += shares[i].seconds
	}
	u := unitOf(seconds)
	for i, n := range apportion(shares, u) {
		list = append(list, keyView{swatch(shares[i].cause), shares[i].phrase + ": " + u.count(n) + " " + u.name()})
	}
	return list
}

func (r *Report) expectationViews() ([]expectationView, error) {
	var failed, held []expectationView
	for i := range r.Run.Expectations {
		e := &r.Run.Expectations[i]
		if e.Passed {
			held = append(held, expectationView{Class: "held", Result: "✓ held", Name: e.Name, Expr: e.Expr})
			continue
		}
		view := expectationView{Class: "failed", Result: "✗ failed", Name: e.Name, Expr: e.Expr, Failure: r.Failure(e)}
		for k := range e.Excerpts {
			excerpt, err := r.excerptView(&e.Excerpts[k], e.At)
			if err != nil {
				return nil, err
			}
			view.Excerpts = append(view.Excerpts, excerpt)
		}
		failed = append(failed, view)
	}
	return append(failed, held...), nil
}

func (r *Report) excerptView(x *Excerpt, moment int64) (excerptView, error) {
	drawing, err := spark(x, moment)
	view := excerptView{Series: x.Series, Spark: drawing}
	first, last, at := excerptAround(x, moment)
	for i := first; i < last; i++ {
		view.Samples = append(view.Samples, sampleView{clockOf(r.Run).at(x.Values.T[i]).Format("15:04:05"), sample(x.Values.V[i]), i == at})
	}
	return view, err
}

func (r *Report) episodeViews(o *ObjectReport) []episodeView {
	var list []episodeView
	for i := range o.Episodes {
		e := &o.Episodes[i]
		view := episodeView{
			ID:   r.episodeID(o, i),
			When: clockOf(r.Run).stretch(e.Start, e.End),
			Text: fmt.Sprintf("%s without enough replicas, at worst %s short; %s replica-minutes missing", minutesOrSeconds(e.Seconds), number(e.Depth), number(e.Lost/60)),
		}
		if file := r.Run.Columns[r.primary].File; file != "" {
			view.Explain = fmt.Sprintf("karpenter explain %s %s/%s/%s --at %s", file, o.Object.Namespace, o.Object.Kind, o.Object.Name, time.Unix(e.Deepest, 0).UTC().Format(time.RFC3339))
		}
		var causes []string
		for j := range e.Causes {
			b := &e.Causes[j]
			view.Bar = append(view.Bar, barPart(b.Cause, b.Seconds))
		}
		shares := sharesBy(e.Causes, (*CauseTime).detailed)
		u := unitOf(e.Seconds)
		for i, n := range apportion(shares, u) {
			causes = append(causes, u.count(n)+" "+u.name()+" "+shares[i].phrase)
		}
		view.Causes = strings.Join(causes, ", ")
		list = append(list, view)
	}
	return list
}

// episodeID is the anchor of an episode: its number, of other targets than the one
// that is drawn first behind theirs.
func (r *Report) episodeID(o *ObjectReport, i int) string {
	if o == r.focus() {
		return strconv.Itoa(i)
	}
	return fmt.Sprintf("%d-%d", slices.Index(r.ranked(), o)+1, i)
}

func (r *Report) about() []textView {
	run := r.Run
	list := []textView{{"seed", strconv.FormatInt(run.Seed, 10)}}
	if run.Version != "" {
		list = append(list, textView{"version", run.Version})
	}
	list = append(list,
		textView{"from", clockOf(run).full(run.Start)},
		textView{"to", clockOf(run).full(run.End)},
		textView{"time zone", locationOf(run).String()})
	if run.Loop != "" {
		list = append(list, textView{string(run.Loop), run.Loop.Explain()})
	}
	for i := range r.Columns {
		if d := r.Columns[i].Digest; d != "" {
			list = append(list, textView{"digest of " + r.Columns[i].Name, d})
		}
	}
	return list
}

// orDash is a number where it is known and matters.
func orDash(v float64) string {
	if math.IsNaN(v) || v < 0 {
		return "–"
	}
	return number(v)
}
