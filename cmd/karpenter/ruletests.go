package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/ruletest"
)

// ruleTestWords lists words of which at least one stands in every unit test file of rules.
var ruleTestWords = []string{"rule_files", "input_series", "promql_expr_test", "alert_rule_test"}

// ruleTests loads the unit test files of rules among the paths; rest are the other
// paths, directories included. Standard input can be read again afterwards.
func (a *app) ruleTests(paths, features []string) (files []*ruletest.File, rest []string, err error) {
	allowed, err := fake.ParseFeatures(features...)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	add := func(path string) bool {
		docs, err := manifest.Read([]string{path}, a.stdin)
		if len(docs) == 0 || !ruletest.Is(docs[0]) {
			return false // what is wrong with it is for others to say
		}
		if err != nil {
			errs = append(errs, err)
			return true
		}
		if len(docs) > 1 {
			a.note("%s: read up to here, as promtool does: a unit test file has one document", docs[1].Position())
		}
		f, err := ruletest.Load(path, docs[0], allowed)
		errs = append(errs, err)
		if f != nil && !slices.ContainsFunc(files, func(other *ruletest.File) bool { return other.Path == path }) {
			files = append(files, f)
		}
		return true
	}
	for _, path := range paths {
		info, statErr := os.Stat(path)
		switch {
		case path == stdinPath:
			data, err := manifest.ReadText(a.stdin, stdinName)
			if err != nil {
				return nil, nil, manifest.Join(err)
			}
			a.stdin = bytes.NewReader(data)
			own := add(path)
			a.stdin = bytes.NewReader(data)
			if own {
				continue
			}
		case statErr != nil || !info.IsDir():
			if statErr == nil && add(filepath.Clean(path)) {
				continue
			}
		default:
			below, _ := manifest.Files(path) // its error comes again
			for _, f := range below {
				if slices.ContainsFunc(ruleTestWords, func(word string) bool { return mentions(f, word) }) {
					add(f)
				}
			}
		}
		rest = append(rest, path)
	}
	return files, rest, manifest.Join(errs...)
}

// mentions says whether a file has a word in it, as far as it can be read.
func mentions(path, word string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := manifest.ReadText(f, path)
	return err == nil && bytes.Contains(data, []byte(word))
}

// matching are the tests of the files of which the names match, nil for all.
func matching(files []*ruletest.File, run *regexp.Regexp) []*ruletest.File {
	var kept []*ruletest.File
	for _, f := range files {
		selected := *f
		selected.Tests = slices.DeleteFunc(slices.Clone(f.Tests), func(t ruletest.Test) bool { return run != nil && !run.MatchString(t.Name) })
		if len(selected.Tests) > 0 || len(f.Tests) == 0 {
			kept = append(kept, &selected)
		}
	}
	return kept
}

// ruleTestNames are the names of all tests.
func ruleTestNames(files []*ruletest.File) []string {
	var names []string
	for _, f := range files {
		for i := range f.Tests {
			names = append(names, f.Tests[i].Name)
		}
	}
	return names
}

// ruleTestInputs returns what the files name.
func ruleTestInputs(files []*ruletest.File) []output.Input {
	var inputs []output.Input
	for _, f := range files {
		inputs = append(inputs, flagInputs("rule test", f.Path)...)
		inputs = append(inputs, flagInputs("rule file", f.RuleFiles()...)...)
	}
	return inputs
}
