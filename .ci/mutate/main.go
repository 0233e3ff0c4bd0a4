// Command mutate asks whether the corpus would notice a broken engine: it
// breaks one place of the engine at a time (mutations.go), plays all scenarios
// and reports which breaks they caught.
//
//	go run ./.ci/mutate [-run REGEXP] [-least PERCENT]
//
// The working tree is left alone: go build's overlay puts the mutated file in
// the place of the original. Exit code 0: enough were caught; 1: too few; 2:
// a mutation does not fit the source any more, or does not compile.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A mutation breaks the engine in one place.
type mutation struct {
	// file is the path from the repository's root; old stands in it once.
	file, old, new string
	// why says what is wrong then.
	why string
}

func main() {
	pattern := flag.String("run", "", "only mutations whose file or description matches")
	least := flag.Float64("least", 90, "percent of the mutations that must be caught")
	check := flag.Bool("check", false, "only check that the mutations fit the source and compile")
	flag.Parse()
	code, err := run(*pattern, *least, *check)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
	}
	os.Exit(code)
}

func run(pattern string, least float64, check bool) (int, error) {
	selected, err := regexp.Compile(pattern)
	if err != nil {
		return 2, err
	}
	if err := fit(); err != nil {
		return 2, err
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(dir)
	if err := compile(dir); err != nil {
		return 2, err
	}
	if check {
		return 0, nil
	}
	if caught, output, err := play(dir, nil); err != nil || caught {
		return 2, fmt.Errorf("the corpus must pass without a mutation: %w\n%s", err, output)
	}
	var survivors []mutation
	all := 0
	for _, m := range mutations {
		if !selected.MatchString(m.file + ": " + m.why) {
			continue
		}
		all++
		caught, output, err := play(dir, &m)
		if err != nil {
			return 2, fmt.Errorf("%s: %s: %w\n%s", m.file, m.why, err, output)
		}
		result := "caught  " + by(output)
		if !caught {
			result = "SURVIVED"
			survivors = append(survivors, m)
		}
		fmt.Printf("%s: %s: %s\n", m.file, m.why, result)
	}
	if all == 0 {
		return 2, fmt.Errorf("no mutation matches %q", pattern)
	}
	percent := 100 * float64(all-len(survivors)) / float64(all)
	fmt.Printf("\n%d of %d mutations caught: %.0f %%, at least %.0f %% are wanted\n", all-len(survivors), all, percent, least)
	for _, m := range survivors {
		fmt.Printf("survived: %s: %s\n  - %s\n  + %s\n", m.file, m.why, strings.TrimSpace(m.old), strings.TrimSpace(m.new))
	}
	if percent < least {
		return 1, nil
	}
	return 0, nil
}

// fit says which mutations do not fit the source.
func fit() error {
	var errs []error
	for _, m := range mutations {
		text, err := os.ReadFile(m.file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if n := strings.Count(string(text), m.old); n != 1 {
			errs = append(errs, fmt.Errorf("%s: %s: %q stands in it %d times, want once", m.file, m.why, m.old, n))
		}
	}
	return errors.Join(errs...)
}

// overlay writes a mutated file and what go build must know to take it; without
// a mutation, nothing is replaced.
func overlay(dir string, m *mutation) (file string, err error) {
	replace := map[string]string{}
	if m != nil {
		text, err := os.ReadFile(m.file)
		if err != nil {
			return "", err
		}
		original, err := filepath.Abs(m.file)
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, "mutated.go")
		if err := os.WriteFile(replace[original], []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
			return "", err
		}
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, encoded, 0o600)
}

// compile builds the packages of the mutated files alone.
func compile(dir string) error {
	var errs []error
	for i := range mutations {
		m := &mutations[i]
		file, err := overlay(dir, m)
		if err != nil {
			return err
		}
		text, err := exec.Command("go", "build", "-overlay", file, "./"+filepath.Dir(m.file)).CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w\n%s", m.file, m.why, err, text))
		}
	}
	return errors.Join(errs...)
}

// play says whether a scenario fails under a mutation, and what the test says.
func play(dir string, m *mutation) (caught bool, output string, err error) {
	file, err := overlay(dir, m)
	if err != nil {
		return false, "", err
	}
	binary := filepath.Join(dir, "scenarios.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", file, "-o", binary, "./scenarios")
	if text, err := build.CombinedOutput(); err != nil {
		return false, string(text), fmt.Errorf("build: %w", err)
	}
	if caught, output, err = corpus(binary, "-test.run=^TestCorpus$", "-test.skip="+slow); caught || err != nil {
		return caught, output, err
	}
	return corpus(binary, "-test.run="+slow)
}

// slow are the scenarios that most mutations need not wait for.
const slow = "^TestCorpus$/^(diurnal|spot-reclaim|thundering-herd|v01-.*)$"

// corpus says whether a scenario fails.
func corpus(binary string, scenarios ...string) (failed bool, output string, err error) {
	test := exec.Command(binary, append(scenarios, "-test.failfast", "-test.timeout=5m")...)
	test.Dir = "scenarios"
	text, err := test.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return true, string(text), nil
	}
	return false, string(text), err
}

var failure = regexp.MustCompile(`--- FAIL: TestCorpus/(\S+)`)

// by are the scenarios that failed.
func by(output string) string {
	var names []string
	for _, found := range failure.FindAllStringSubmatch(output, -1) {
		names = append(names, found[1])
	}
	if len(names) == 0 {
		return "(the test did not end)"
	}
	return "by " + strings.Join(names, ", ")
}
