package ruletest

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A File is one unit test file with the rules that it names.
type File struct {
	// Path is the file as it was given.
	Path string
	// Tests are the file's tests, in its order.
	Tests []Test
	// Notes say what was taken otherwise than it may have been meant.
	Notes []string

	interval time.Duration
	order    []string
	fuzzy    bool
	rules    []ruleFile
	features fake.Features
}

// A ruleFile is the text of a file of rules.
type ruleFile struct {
	path string
	text []byte
}

// A Test is one element of a file's tests.
type Test struct {
	// Name is the test's, or "unnamed#2" for the third of the file, as promtool has it.
	Name string
	// Position is where it stands.
	Position manifest.Position

	start, end     time.Time
	interval       time.Duration
	inputs         []fake.InputSpec
	externalLabels map[string]string
	externalURL    string
	alerts         []alertCase
	expressions    []expressionCase
}

// RuleFiles are the paths of the files of rules.
func (f *File) RuleFiles() []string {
	paths := make([]string, len(f.rules))
	for i := range f.rules {
		paths[i] = f.rules[i].path
	}
	return paths
}

// Length is the time that the test simulates.
func (t *Test) Length() time.Duration { return t.end.Sub(t.start) }

type alertCase struct {
	at       time.Duration
	name     string
	expected []fake.Alert
	place    manifest.Position
}

type expressionCase struct {
	at       time.Duration
	text     string
	expected []sample
	place    manifest.Position
}

// fileKeys are the fields of a file; the first ones tell it from other YAML.
var fileKeys = []string{"rule_files", "tests", "evaluation_interval", "group_eval_order", "fuzzy_compare"}

var testKeys = []string{"input_series", "promql_expr_test", "alert_rule_test", "external_labels", "external_url", "start_timestamp", "interval", "name"}

// Is says whether a document is a unit test file: it has no kind, and rule_files or
// tests as promtool knows them.
func Is(d *manifest.Document) bool {
	if d.Kind != "" || d.APIVersion != "" {
		return false
	}
	tests := field(d.Node, "tests")
	if tests == nil || tests.Kind != yaml.SequenceNode {
		return false
	}
	if list := field(d.Node, "rule_files"); list != nil && list.Kind == yaml.SequenceNode {
		return true
	}
	return slices.ContainsFunc(tests.Content, func(test *yaml.Node) bool {
		return slices.ContainsFunc(testKeys[:3], func(key string) bool { return field(test, key) != nil })
	})
}

// Load reads a unit test file and its rules. The features are those of PromQL that
// rules and tests may use. It returns manifest.Errors: all mistakes with their places.
func Load(path string, d *manifest.Document, features fake.Features) (*File, error) {
	f := &File{Path: path, interval: time.Minute, features: features}
	l := &loader{file: f, name: d.File, root: resolved(d.Node)}
	l.read()
	if err := manifest.Join(l.errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// A loader collects the mistakes of a file.
type loader struct {
	file *File
	name string
	root *yaml.Node
	errs []error
}

func (l *loader) fail(n *yaml.Node, field, format string, args ...any) {
	l.errs = append(l.errs, &manifest.Error{Position: l.place(n), Field: field, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) place(n *yaml.Node) manifest.Position {
	return manifest.Position{File: l.name, Line: n.Line, Column: n.Column}
}

func (l *loader) read() {
	fields := l.fields(l.root, "", fileKeys)
	if n := fields["evaluation_interval"]; n != nil {
		if d, ok := l.duration(n, "evaluation_interval"); ok && d > 0 {
			l.file.interval = d
		}
	}
	if n := fields["fuzzy_compare"]; n != nil {
		l.decode(n, "fuzzy_compare", &l.file.fuzzy, "true or false")
	}
	for i, n := range l.list(fields["group_eval_order"], "group_eval_order") {
		name := l.text(n, fmt.Sprintf("group_eval_order[%d]", i))
		if slices.Contains(l.file.order, name) {
			l.fail(n, "group_eval_order", "the group %q is named twice", name)
		}
		l.file.order = append(l.file.order, name)
	}
	l.readRules(l.list(fields["rule_files"], "rule_files"))
	for i, n := range l.list(fields["tests"], "tests") {
		l.readTest(n, i)
	}
}

// readRules reads the files of rules, which may be patterns.
func (l *loader) readRules(list []*yaml.Node) {
	for i, n := range list {
		at := fmt.Sprintf("rule_files[%d]", i)
		pattern := l.text(n, at)
		if pattern == "" {
			l.fail(n, at, "the path is empty")
			continue
		}
		if !filepath.IsAbs(pattern) && l.file.Path != "-" {
			pattern = filepath.Join(filepath.Dir(l.file.Path), pattern)
		}
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 && !strings.ContainsAny(pattern, "*?[") {
			l.fail(n, at, "%s: no such file; paths are relative to the test file", pattern)
			continue
		}
		if len(paths) == 0 {
			l.file.Notes = append(l.file.Notes, fmt.Sprintf("%s: no file matches %s", l.place(n), pattern))
		}
		for _, path := range paths {
			if slices.Contains(l.file.RuleFiles(), path) {
				continue
			}
			text, err := fake.ReadRules(path)
			if err != nil {
				l.fail(n, at, "%v", err)
				continue
			}
			l.file.rules = append(l.file.rules, ruleFile{path, text})
			// What is wrong with rules does not depend on the test.
			if err := fake.NewPrometheus(fake.Options{Features: l.file.features}).AddRules(path, text); err != nil {
				l.errs = append(l.errs, err)
			}
		}
	}
}

func (l *loader) readTest(n *yaml.Node, i int) {
	at := fmt.Sprintf("tests[%d]", i)
	fields := l.fields(n, at, testKeys)
	t := Test{Name: fmt.Sprintf("unnamed#%d", i), Position: l.place(n), start: time.Unix(0, 0).UTC(), interval: l.file.interval}
	if n := fields["name"]; n != nil && l.text(n, at+".name") != "" {
		t.Name = l.text(n, at+".name")
	}
	if n := fields["interval"]; n != nil {
		if d, ok := l.duration(n, at+".interval"); ok && d > 0 {
			t.interval = d
		}
	}
	if n := fields["start_timestamp"]; n != nil {
		t.start = l.time(n, at+".start_timestamp")
	}
	if n := fields["external_url"]; n != nil {
		t.externalURL = l.text(n, at+".external_url")
	}
	if n := fields["external_labels"]; n != nil {
		t.externalLabels = l.texts(n, at+".external_labels")
	}
	l.readInputs(&t, fields["input_series"], at+".input_series")
	for k, n := range l.list(fields["alert_rule_test"], at+".alert_rule_test") {
		l.readAlerts(&t, n, fmt.Sprintf("%s.alert_rule_test[%d]", at, k))
	}
	for k, n := range l.list(fields["promql_expr_test"], at+".promql_expr_test") {
		l.readExpression(&t, n, fmt.Sprintf("%s.promql_expr_test[%d]", at, k))
	}
	longest := time.Duration(0)
	for _, c := range t.alerts {
		longest = max(longest, c.at)
	}
	for _, c := range t.expressions {
		longest = max(longest, c.at)
	}
	t.end = t.start.Add(longest)
	if steps := longest / l.file.interval; steps > limit.InputSamples {
		l.fail(n, at, "the rules would be evaluated %d times until %s, every %s; at most %d are possible", steps, model.Duration(longest), model.Duration(l.file.interval), limit.InputSamples)
	}
	l.file.Tests = append(l.file.Tests, t)
}

// readInputs reads the series of a test. Of one that is there twice promtool takes the last.
func (l *loader) readInputs(t *Test, list *yaml.Node, at string) {
	places := map[string]int{}
	for i, n := range l.list(list, at) {
		at := fmt.Sprintf("%s[%d]", at, i)
		fields := l.fields(n, at, []string{"series", "values"})
		spec := fake.InputSpec{Series: l.text(fields["series"], at+".series"), Values: l.text(fields["values"], at+".values")}
		if _, err := fake.ParseInputs(0, t.interval, []fake.InputSpec{spec}); err != nil {
			l.fail(n, at, "%v", err)
			continue
		}
		metric, err := l.file.features.Parser().ParseMetric(spec.Series)
		if err != nil {
			l.fail(n, at+".series", "%q is no series; want a name with labels such as requests{lb=\"x\"}", spec.Series)
			continue
		}
		if k, twice := places[metric.String()]; twice {
			l.file.Notes = append(l.file.Notes, fmt.Sprintf("%s: %s is defined again; the last definition counts, as for promtool", l.place(n), spec.Series))
			t.inputs[k] = spec
			continue
		}
		places[metric.String()] = len(t.inputs)
		t.inputs = append(t.inputs, spec)
	}
}

// time reads RFC 3339 or Unix seconds.
func (l *loader) time(n *yaml.Node, at string) time.Time {
	text := l.text(n, at)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e11 {
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(part*1e9)).UTC()
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		l.fail(n, at, "%q is no time; want RFC 3339 or Unix seconds", text)
	}
	return t.UTC()
}
