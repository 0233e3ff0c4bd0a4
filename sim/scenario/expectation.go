package scenario

// An Expectation has a name and exactly one of the forms at, always,
// eventually, report and decisions. Durations count from the start of the run.
//
// An expression whose top node is a comparison holds if it has samples and all
// of them satisfy it; any other expression holds if it has samples.
type Expectation struct {
	// Name is unique in the scenario. Required.
	Name string `json:"name"`

	// At judges Expr once, after the decisions and the scrape of that instant.
	At *Duration `json:"at,omitempty"`
	// Expr is the PromQL expression of At.
	Expr string `json:"expr,omitempty"`

	// Always is a PromQL expression that holds at every scrape from From to To.
	Always string `json:"always,omitempty"`
	// From is the first instant of Always; 0s if absent.
	From *Duration `json:"from,omitempty"`
	// To is the last instant of Always; the end of the run if absent.
	To *Duration `json:"to,omitempty"`

	// Eventually is a PromQL expression that comes true within [After,
	// After+Within] and stays so for For.
	Eventually string `json:"eventually,omitempty"`
	// After is the first instant of Eventually; 0s if absent.
	After *Duration `json:"after,omitempty"`
	// Within is how long after After it may come true; to the end if absent.
	Within *Duration `json:"within,omitempty"`
	// For is how long it stays true; to the end if absent.
	For *Duration `json:"for,omitempty"`

	// Report compares a metric of the report with a number or another metric:
	// reversals <= 1, breach_minutes <= baseline + 2.
	Report string `json:"report,omitempty"`

	// Decisions compares the decisions with known ones.
	Decisions *Decisions `json:"decisions,omitempty"`
}

// Decisions are known decisions.
type Decisions struct {
	// Digest is sha256: and 64 hexadecimal digits over slot, object, desired
	// and reason of all decisions. Empty, it matches nothing, until simulate
	// --update has filled it in.
	Digest string `json:"digest"`
}

// A Form is one of the ways to state an expectation.
type Form string

// The forms, named as the field that makes the difference.
const (
	AtForm         Form = "at"
	AlwaysForm     Form = "always"
	EventuallyForm Form = "eventually"
	ReportForm     Form = "report"
	DecisionsForm  Form = "decisions"
)

// forms lists the forms of an expectation, more or fewer than one if it is invalid.
func (e Expectation) forms() []Form {
	var list []Form
	for _, f := range []struct {
		form    Form
		present bool
	}{
		{AtForm, e.At != nil || e.Expr != ""},
		{AlwaysForm, e.Always != ""},
		{EventuallyForm, e.Eventually != ""},
		{ReportForm, e.Report != ""},
		{DecisionsForm, e.Decisions != nil},
	} {
		if f.present {
			list = append(list, f.form)
		}
	}
	return list
}

// Form is the expectation's form; empty unless it is valid.
func (e Expectation) Form() Form {
	if list := e.forms(); len(list) == 1 {
		return list[0]
	}
	return ""
}

// Expression is the PromQL expression of the forms at, always and eventually.
func (e Expectation) Expression() string {
	switch e.Form() {
	case AtForm:
		return e.Expr
	case AlwaysForm:
		return e.Always
	case EventuallyForm:
		return e.Eventually
	}
	return ""
}

// ExpressionField is the field that has the expression.
func (e Expectation) ExpressionField() string {
	if form := e.Form(); form != AtForm {
		return string(form)
	}
	return "expr"
}
