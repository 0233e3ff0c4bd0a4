package reports

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

// The JUnit schema as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Output     string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		File      string        `xml:"file,attr,omitempty"`
		Line      int           `xml:"line,attr,omitempty"`
		Time      string        `xml:"time,attr"`
		Failure   *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit is the call as a JUnit document: a suite for each run, a case for each
// expectation, or one named "completed" where a run has none; and a suite for each
// file of rule tests. Times are simulated seconds.
func JUnit(reports []*Report, tests ...*RuleTest) ([]byte, error) {
	doc := junitSuites{Name: "karpenter"}
	var total int64
	for _, r := range reports {
		suite := r.junitSuite()
		doc.Tests += suite.Tests
		doc.Failures += suite.Failures
		total += r.Run.End - r.Run.Start
		doc.Suites = append(doc.Suites, suite)
	}
	for _, t := range tests {
		suite := t.junitSuite()
		doc.Tests += suite.Tests
		doc.Failures += suite.Failures
		for i := range t.Cases {
			total += t.Cases[i].Seconds
		}
		doc.Suites = append(doc.Suites, suite)
	}
	doc.Time = strconv.FormatInt(total, 10)
	body, err := xml.MarshalIndent(&doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", junitName, err)
	}
	return append([]byte(xml.Header), append(escape.Document(body), '\n')...), nil
}

func (r *Report) junitSuite() junitSuite {
	run := r.Run
	length := strconv.FormatInt(run.End-run.Start, 10)
	suite := junitSuite{
		Name: xmlText(run.Name), Time: length, Timestamp: strings.TrimSuffix(rfc3339(run.Start), "Z"), Output: xmlText(r.Headline),
		Properties: []junitProperty{{"seed", strconv.FormatInt(run.Seed, 10)}, {"version", xmlText(run.Version)}},
	}
	for i := range run.Columns {
		if c := &run.Columns[i]; c.Digest != "" {
			suite.Properties = append(suite.Properties, junitProperty{"digest." + xmlText(c.Name), c.Digest})
		}
	}
	if d := run.Columns[r.primary].Digest; d != "" {
		suite.Properties = append(suite.Properties, junitProperty{"digest", d})
	}
	class := "karpenter." + xmlText(run.Name)
	for i := range run.Expectations {
		e := &run.Expectations[i]
		c := junitCase{Name: xmlText(e.Name), ClassName: class, File: xmlText(e.File), Line: e.Line, Time: length}
		if e.At != 0 {
			c.Time = strconv.FormatInt(max(e.At-run.Start, 0), 10)
		}
		if !e.Passed {
			suite.Failures++
			c.Failure = &junitFailure{
				Message: xmlText(r.Failure(e)), Type: xmlText(e.Kind),
				Text: xmlText(strings.Join(append([]string{e.Kind + ": " + e.Expr, r.Failure(e)}, r.excerptLines(e)...), "\n") + "\n"),
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if len(suite.Cases) == 0 {
		suite.Cases = []junitCase{{Name: "completed", ClassName: class, Time: length}}
	}
	suite.Tests = len(suite.Cases)
	return suite
}

// xmlText replaces the control characters that XML cannot hold.
func xmlText(text string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return '\uFFFD'
		}
		return c
	}, text)
}
