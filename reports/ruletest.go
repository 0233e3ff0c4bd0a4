package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

// A RuleTest is the outcome of a unit test file of rules.
type RuleTest struct {
	// File is the path as it was given.
	File  string         `json:"file"`
	Cases []RuleTestCase `json:"cases"`
}

// A RuleTestCase is one test of the file.
type RuleTestCase struct {
	Name string `json:"name"`
	// Line is where the test begins.
	Line int `json:"line"`
	// Seconds is the simulated time, in seconds.
	Seconds  int64             `json:"seconds"`
	Failures []RuleTestFailure `json:"failures,omitempty"`
}

// A RuleTestFailure is an expectation that does not hold, or what ended the test.
type RuleTestFailure struct {
	Line int `json:"line"`
	// Title says what was compared, and when.
	Title string `json:"title"`
	// Expected and Got are samples or alerts; Message is what went wrong where there
	// was nothing to compare.
	Expected []string `json:"expected,omitempty"`
	Got      []string `json:"got,omitempty"`
	Message  string   `json:"message,omitempty"`
}

// Passed says whether all tests passed.
func (t *RuleTest) Passed() bool { return t.failed() == 0 }

func (t *RuleTest) failed() int {
	n := 0
	for i := range t.Cases {
		if len(t.Cases[i].Failures) > 0 {
			n++
		}
	}
	return n
}

// result is how many of the tests passed.
func (t *RuleTest) result() string {
	all, failed := len(t.Cases), t.failed()
	switch {
	case all == 0:
		return "no test"
	case failed == 0:
		return fmt.Sprintf("ok %d of %d", all, all)
	}
	return fmt.Sprintf("FAILED %d of %d", failed, all)
}

// String is the failure in one line.
func (f *RuleTestFailure) String() string {
	if f.Message != "" {
		return oneLine(f.Title + ": " + f.Message)
	}
	return oneLine(fmt.Sprintf("%s: expected %s, got %s", f.Title, either(f.Expected), either(f.Got)))
}

func either(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// lines are the failure's details, one below the other.
func (f *RuleTestFailure) lines() []string {
	if f.Message != "" {
		return []string{oneLine(f.Message)}
	}
	var out []string
	for _, part := range []struct {
		name string
		list []string
	}{{"expected", f.Expected}, {"got     ", f.Got}} {
		name := part.name
		if len(part.list) == 0 {
			out = append(out, name+" nothing")
		}
		for _, line := range part.list {
			out = append(out, name+" "+oneLine(line))
			name = "        "
		}
	}
	return out
}

// Annotations returns an annotation for each failure, at the line that states what was expected.
func (t *RuleTest) Annotations() []Annotation {
	var list []Annotation
	for _, c := range t.Cases {
		for _, f := range c.Failures {
			list = append(list, Annotation{File: t.File, Line: f.Line, Title: c.Name, Message: f.String()})
		}
	}
	return list
}

func ruleTestsPassed(tests []*RuleTest) bool {
	for _, t := range tests {
		if !t.Passed() {
			return false
		}
	}
	return true
}

// ruleTestTable has a line for each test, and what failed below.
func ruleTestTable(b *strings.Builder, tests []*RuleTest, o TableOptions) {
	if len(tests) == 0 {
		return
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	rows := [][]string{{"RULE TESTS", "RESULT", "TEST"}}
	for _, t := range tests {
		if len(t.Cases) == 0 {
			rows = append(rows, []string{t.File, "no test", ""})
		}
		for i, c := range t.Cases {
			row := []string{"", "ok", c.Name}
			if i == 0 {
				row[0] = t.File
			}
			if len(c.Failures) > 0 {
				row[1] = "FAILED"
			}
			rows = append(rows, row)
		}
	}
	writeRows(b, rows, 3, o.Color)
	for _, t := range tests {
		for _, c := range t.Cases {
			for i := range c.Failures {
				f := &c.Failures[i]
				fmt.Fprintf(b, "\n%s:%d: %s: %s\n", escape.Inline(t.File), f.Line, escape.Inline(c.Name), escape.Inline(oneLine(f.Title)))
				for _, line := range f.lines() {
					b.WriteString("    " + escape.Inline(line) + "\n")
				}
			}
		}
	}
}

// ruleTestMarkdown is one file's section of a summary.
func ruleTestMarkdown(t *RuleTest) string {
	var b strings.Builder
	mark := "✅"
	if !t.Passed() {
		mark = "❌"
	}
	fmt.Fprintf(&b, "## %s %s\n\n%d of %d %s of rules passed.\n", mark, escapeMarkdown(t.File), len(t.Cases)-t.failed(), len(t.Cases), plural(int64(len(t.Cases)), "test"))
	listed := 0
	for _, c := range t.Cases {
		for i := range c.Failures {
			if listed++; listed > maxFailures {
				continue
			}
			f := &c.Failures[i]
			fmt.Fprintf(&b, "\n- ❌ **%s** %s, line %d\n\n  %s\n", escapeMarkdown(c.Name), codeSpan(f.Title), f.Line,
				strings.ReplaceAll(fenced("text", strings.Join(f.lines(), "\n")), "\n", "\n  "))
		}
	}
	if more := listed - maxFailures; more > 0 {
		fmt.Fprintf(&b, "\n- %d more failed\n", more)
	}
	return b.String()
}

// junitSuite has a case for each test of the file, as promtool writes it.
func (t *RuleTest) junitSuite() junitSuite {
	suite := junitSuite{Name: xmlText(t.File), Tests: len(t.Cases), Failures: t.failed(), Timestamp: "1970-01-01T00:00:00"}
	total := int64(0)
	for _, c := range t.Cases {
		total += c.Seconds
		one := junitCase{Name: xmlText(c.Name), ClassName: "karpenter." + xmlText(t.File), File: xmlText(t.File), Line: c.Line, Time: strconv.FormatInt(c.Seconds, 10)}
		if len(c.Failures) > 0 {
			var text []string
			for i := range c.Failures {
				f := &c.Failures[i]
				text = append(text, fmt.Sprintf("%s:%d: %s", t.File, f.Line, oneLine(f.Title)))
				text = append(text, f.lines()...)
			}
			one.Line = c.Failures[0].Line
			one.Failure = &junitFailure{Message: xmlText(c.Failures[0].String()), Type: "rules", Text: xmlText(strings.Join(text, "\n") + "\n")}
		}
		suite.Cases = append(suite.Cases, one)
	}
	suite.Time = strconv.FormatInt(total, 10)
	return suite
}

// indexTest is a file of rule tests as the index of a call shows it.
type indexTest struct {
	File, Result string
	Passed       bool
	Cases        []textView
	Failures     []indexFailure
}

// indexFailure says what did not hold of one test.
type indexFailure struct {
	Test, Title string
	Lines       []string
}

func indexTests(tests []*RuleTest) []indexTest {
	var out []indexTest
	for _, t := range tests {
		test := indexTest{File: t.File, Result: t.result(), Passed: t.Passed()}
		for _, c := range t.Cases {
			result := "ok"
			if len(c.Failures) > 0 {
				result = "FAILED"
			}
			test.Cases = append(test.Cases, textView{c.Name, result})
			for i := range c.Failures {
				f := &c.Failures[i]
				test.Failures = append(test.Failures, indexFailure{c.Name, fmt.Sprintf("%s, line %d", oneLine(f.Title), f.Line), f.lines()})
			}
		}
		out = append(out, test)
	}
	return out
}
