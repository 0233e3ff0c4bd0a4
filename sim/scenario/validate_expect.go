package scenario

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// checkQuery wants an expression whose result is an instant vector or a scalar.
func (v *validation) checkQuery(path, query string) {
	expr, err := parseExpr(query, v.features)
	if err != nil {
		v.fail(path, "%v", err)
		return
	}
	switch t := expr.Type(); t {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
	case parser.ValueTypeMatrix:
		v.fail(path, "a range vector cannot be judged; want an instant vector or a scalar, e.g. rate(...) of it")
	default:
		v.fail(path, "a %s cannot be judged; want an instant vector or a scalar", t)
	}
}

// checkColumns wants a distinct series for every column of a CSV.
func (v *validation) checkColumns(path string, series map[string]string) {
	columns := map[string]string{}
	for _, column := range slices.Sorted(maps.Keys(series)) {
		l, err := (fake.Features{}).Parser().ParseMetric(series[column])
		if err != nil || l.Get(labels.MetricName) == "" {
			v.fail(keyPath(path, column), "%q is no series; want a name with labels such as requests{lb=\"x\"}", series[column])
			continue
		}
		if other, twice := columns[l.String()]; twice {
			v.fail(keyPath(path, column), "%s is already the series of column %q", series[column], other)
			continue
		}
		columns[l.String()] = column
	}
}

func (v *validation) checkReplicas(series map[string]string) {
	seen := map[Reference]string{}
	for _, object := range slices.Sorted(maps.Keys(series)) {
		path := keyPath("spec.replay.replicas", object)
		ref, err := ParseReference(object)
		if err != nil {
			v.fail(path, "%v", err)
			continue
		}
		if other, twice := seen[ref]; twice {
			v.fail(path, "the same object as %s", other)
		}
		seen[ref] = object
		v.checkQuery(path, series[object])
	}
}

func (v *validation) checkExpectations() {
	seen := map[string]int{}
	for i, e := range v.spec.Expect {
		at := index("spec.expect", i)
		switch first, twice := seen[e.Name]; {
		case e.Name == "":
			v.fail(at+".name", "required")
		case strings.ContainsFunc(e.Name, unicode.IsControl):
			v.fail(at+".name", "%q must be one line of text", e.Name)
		case twice:
			v.fail(at+".name", "%q is taken by %s", e.Name, index("spec.expect", first))
		default:
			seen[e.Name] = i
		}
		v.checkForm(at, e)
	}
}

// belongs lists the fields of each form besides the one it is named after.
var belongs = map[Form][]string{
	AtForm:         {"expr"},
	AlwaysForm:     {"from", "to"},
	EventuallyForm: {"after", "within", "for"},
}

func (v *validation) checkForm(at string, e Expectation) {
	forms := e.forms()
	if len(forms) != 1 {
		v.fail(at, "want exactly one of at with expr, always, eventually, report and decisions; got %s", listed(forms))
		return
	}
	form := forms[0]
	for _, other := range []Form{AlwaysForm, EventuallyForm} {
		for _, name := range belongs[other] {
			if other != form && v.doc.Has(at+"."+name) {
				v.fail(at+"."+name, "belongs to %s, not to %s", other, form)
			}
		}
	}
	switch form {
	case AtForm:
		v.checkAt(at, e)
	case AlwaysForm:
		v.checkQuery(at+".always", e.Always)
		v.checkAlways(at, e)
	case EventuallyForm:
		v.checkQuery(at+".eventually", e.Eventually)
		v.checkEventually(at, e)
	case ReportForm:
		// What is compared is the report's to know.
		if !strings.ContainsAny(e.Report, "<>=!") {
			v.fail(at+".report", "want a comparison such as reversals <= 1 or breach_minutes <= baseline + 2")
		}
	case DecisionsForm:
		if d := e.Decisions.Digest; d != "" && !digestPattern.MatchString(d) {
			v.fail(at+".decisions.digest", "%q is no digest; want sha256: and 64 hexadecimal digits, or simulate --update to fill it in", d)
		}
	}
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func listed(forms []Form) string {
	if len(forms) == 0 {
		return "none"
	}
	text := string(forms[0])
	for _, f := range forms[1:] {
		text += ", " + string(f)
	}
	return text
}

func (v *validation) checkAt(at string, e Expectation) {
	if e.At == nil {
		v.fail(at+".at", "required with expr: the instant, counted from the start of the run")
		return
	}
	if e.Expr == "" {
		v.fail(at+".expr", "required with at: a PromQL expression")
		return
	}
	v.checkQuery(at+".expr", e.Expr)
	v.checkInstant(at+".at", *e.At)
}

func (v *validation) checkAlways(at string, e Expectation) {
	from, to := Duration(0), v.spec.Duration
	if e.From != nil {
		from = *e.From
		v.checkInstant(at+".from", from)
	}
	if e.To != nil {
		to = *e.To
		v.checkInstant(at+".to", to)
	}
	if e.From != nil && e.To != nil && from > to {
		v.fail(at+".to", "%s is before from, %s", to, from)
	}
}

func (v *validation) checkEventually(at string, e Expectation) {
	sum, last := Duration(0), ""
	for _, part := range []struct {
		name string
		d    *Duration
	}{{"after", e.After}, {"within", e.Within}, {"for", e.For}} {
		if part.d != nil && *part.d > 0 {
			sum, last = sum+*part.d, part.name
		}
	}
	if last != "" && v.pastEnd(sum) {
		v.fail(at+"."+last, "after + within + for is past the end of the run at %s", v.spec.Duration)
	}
}

func (v *validation) checkInstant(path string, d Duration) {
	if v.pastEnd(d) {
		v.fail(path, "%s is past the end of the run at %s", d, v.spec.Duration)
	}
}

// pastEnd tells what cannot be judged within the run. The end itself can: it
// shows the outcome of the last decisions. A sum that overflowed is negative.
func (v *validation) pastEnd(d Duration) bool {
	return v.spec.Duration > 0 && (d > v.spec.Duration || d < 0)
}
