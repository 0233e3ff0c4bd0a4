// Command mutate asks whether the corpus would notice a broken engine, or a wrong
// cause in a report: it breaks one place of either at a time (mutations.go), plays all scenarios
// and reports which breaks they caught.
//
//	go run ./.ci/mutate [-run REGEXP] [-least PERCENT] [-check]
//
// The working tree is left alone: go build's overlay puts other files in the
// place of the originals. Exit code 0: enough were caught; 1: too few; 2: a
// mutation does not fit the source any more, or does not compile.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A mutation breaks the engine, or what reports say of it, in one place.
type mutation struct {
	// file is the path from the repository's root; old stands in it once, in the
	// body of a function.
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
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(dir)
	overlay, err := weave(dir, mutations)
	if err != nil {
		return 2, err
	}
	if check {
		if err := compile("build", "-overlay", overlay, "./engine/...", "./reports"); err != nil {
			return 2, err
		}
		return 0, nil
	}
	binary := filepath.Join(dir, "scenarios.test")
	if err := compile("test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, "./scenarios"); err != nil {
		return 2, err
	}
	if by, err := play(binary, 0); err != nil || by != "" {
		return 2, errors.Join(fmt.Errorf("the corpus must pass without a mutation; failed: %q", by), err)
	}
	all, survivors, err := playAll(binary, selected)
	if err != nil {
		return 2, err
	}
	if all == 0 {
		return 2, fmt.Errorf("no mutation matches %q", pattern)
	}
	return summarize(all, survivors, least), nil
}

// playAll plays the corpus under every selected mutation, and says how many
// those are and which of all mutations survived.
func playAll(binary string, selected *regexp.Regexp) (all int, survivors []bool, err error) {
	survivors = make([]bool, len(mutations))
	group := new(errgroup.Group)
	group.SetLimit(runtime.NumCPU())
	for i, m := range mutations {
		if !selected.MatchString(m.file + ": " + m.why) {
			continue
		}
		all++
		group.Go(func() error {
			by, err := play(binary, i+1)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", m.file, m.why, err)
			}
			survivors[i] = by == ""
			result := "SURVIVED"
			if !survivors[i] {
				result = "caught by " + by
			}
			fmt.Printf("%s: %s: %s\n", m.file, m.why, result)
			return nil
		})
	}
	return all, survivors, group.Wait()
}

// summarize prints what was caught, and is the exit code.
func summarize(all int, survivors []bool, least float64) int {
	caught := all
	for _, survived := range survivors {
		if survived {
			caught--
		}
	}
	percent := 100 * float64(caught) / float64(all)
	fmt.Printf("\n%d of %d mutations caught: %.0f %%, at least %.0f %% are wanted\n", caught, all, percent, least)
	for i, survived := range survivors {
		if m := mutations[i]; survived {
			fmt.Printf("survived: %s: %s\n  - %s\n  + %s\n", m.file, m.why, strings.TrimSpace(m.old), strings.TrimSpace(m.new))
		}
	}
	if percent < least {
		return 1
	}
	return 0
}

// compile runs go.
func compile(arguments ...string) error {
	text, err := exec.Command("go", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", arguments[0], err, text)
	}
	return nil
}

// play says what failed under a mutation, by its number: a scenario, a part of metric
// lag, which no expectation can name, or nothing.
func play(binary string, number int) (by string, err error) {
	for _, scenarios := range [][]string{
		{"-test.run=^TestCorpus$", "-test.skip=" + slow},
		{"-test.run=^TestPartsOfMetricLag$"},
		{"-test.run=" + slow},
	} {
		if by, err = corpus(binary, number, scenarios...); by != "" || err != nil {
			return by, err
		}
	}
	return "", nil
}

// slow are the scenarios that most mutations need not wait for.
const slow = "^TestCorpus$/^(diurnal|node-quota|spot-reclaim|thundering-herd|v01-.*)$"

var failure = regexp.MustCompile(`--- FAIL: Test\w+/(\S+)`)

// corpus plays tests, one after the other, until one fails, and names it.
func corpus(binary string, number int, scenarios ...string) (by string, err error) {
	test := exec.Command(binary, append(scenarios, "-test.short", "-test.failfast", "-test.timeout=5m")...)
	test.Dir = "scenarios"
	test.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, number), "GOMAXPROCS=1")
	text, err := test.CombinedOutput()
	var exit *exec.ExitError
	switch found := failure.FindSubmatch(text); {
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", err
	case found == nil:
		return "a test that did not end", nil
	default:
		return string(found[1]), nil
	}
}
