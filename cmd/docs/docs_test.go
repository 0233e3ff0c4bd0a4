package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const repository = "../.."

// wholeBook is the book, built once for all tests.
var wholeBook = sync.OnceValues(func() (*site, error) { return build(repository) })

// TestBook builds the whole book: a link to nothing, an unknown heading or a page
// that the code cannot write fails.
func TestBook(t *testing.T) {
	site, err := wholeBook()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range site.broken {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := site.write(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"index.html":              {"The book", `href="tutorial.html"`},
		"reference-commands.html": {`id="karpenter-replay"`, "--recording", "--variant"},
		"reference-kinds.html":    {"HorizontalAutoscaler", "spec.behavior.scaleUp.stabilizationWindowSeconds", "ScaleTargetRef"},
		"reference-figures.html":  {"breach_minutes", "theta U"},
		"reference-scenario.html": {"spec.prometheus.scrapeInterval", "spec.expect[].expr", "spec.faults[]"},
		"reference-series.html":   {"kube_deployment_spec_replicas", "karpenter_autoscaling_decisions_total", "karpenter_autoscaling_journal_dropped_lines_total", "<code>reason</code>"},
		"reference-limits.html":   {"<code>JournalLine</code>", "4 MiB", "<code>Series</code>", "150,000"},
		"howto-from-hpa.html":     {`aria-current="page"`},
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(strings.ToLower(string(content)), strings.ToLower(text)) {
				t.Errorf("%s lacks %q", name, text)
			}
		}
		if strings.Contains(string(content), "raw HTML omitted") {
			t.Errorf("%s has text that reads as HTML", name)
		}
	}
}

// TestEveryPageIsInTheBook finds Markdown that no chapter has.
func TestEveryPageIsInTheBook(t *testing.T) {
	chaptered := map[string]bool{}
	for _, c := range book {
		for _, p := range c.pages {
			chaptered[p.file] = true
		}
	}
	err := filepath.WalkDir(filepath.Join(repository, "cmd", "docs"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".md" {
			return err
		}
		file, err := filepath.Rel(repository, name)
		if !chaptered[filepath.ToSlash(file)] {
			t.Errorf("%s is in no chapter", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinksOutsideTheBook checks the links of all other Markdown files, and the pictures
// of the README, which are HTML.
func TestLinksOutsideTheBook(t *testing.T) {
	whole, err := wholeBook()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{root: repository, byFile: whole.byFile}
	err = filepath.WalkDir(repository, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == ".git" || name == "out" || name == "releases") {
			return fs.SkipDir // it may lie in a clone and is none of the repository's
		}
		file, _ := filepath.Rel(repository, name)
		if filepath.Ext(name) != ".md" || s.byFile[filepath.ToSlash(file)] != nil || strings.HasSuffix(name, ".golden.md") {
			return nil
		}
		p, err := s.read(source{file: filepath.ToSlash(file)})
		if err != nil {
			return err
		}
		s.link(p)
		for _, match := range regexp.MustCompile(`(?:src|srcset)="([^"]+)"`).FindAllStringSubmatch(string(p.markdown), -1) {
			s.picture(p, match[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range s.broken {
		t.Error(err)
	}
}

func TestLinks(t *testing.T) {
	from := &page{file: "cmd/docs/howto/a.md", anchors: map[string]bool{"here": true}}
	other := &page{file: "cmd/docs/b.md", name: "b.html", anchors: map[string]bool{"there": true}}
	cases := []struct {
		reason, link, want, broken string
	}{
		{"another page", "../b.md", "b.html", ""},
		{"its heading", "../b.md#there", "b.html#there", ""},
		{"a heading that it has not", "../b.md#gone", "b.html#gone", "cmd/docs/howto/a.md: link ../b.md#gone: cmd/docs/b.md has no such heading"},
		{"the page itself", "#here", "#here", ""},
		{"a file that is no page", "../../../go.mod", blob + "go.mod", ""},
		{"a file that is not there", "c.md", blob + "cmd/docs/howto/c.md", "cmd/docs/howto/a.md: link c.md: there is no such file"},
		{"another site", "https://prometheus.io/#x", "https://prometheus.io/#x", ""},
	}
	for _, tc := range cases {
		s := &site{root: repository, byFile: map[string]*page{from.file: from, other.file: other}}
		if got := s.target(from, tc.link); got != tc.want {
			t.Errorf("%s: %s leads to %s, want %s", tc.reason, tc.link, got, tc.want)
		}
		var broken []string
		for _, err := range s.broken {
			broken = append(broken, err.Error())
		}
		if got := strings.Join(broken, "\n"); got != tc.broken {
			t.Errorf("%s: %s is broken by %q, want %q", tc.reason, tc.link, got, tc.broken)
		}
	}
}

func TestAnchorsAreGitHubs(t *testing.T) {
	a := newAnchors()
	var got []string
	for _, heading := range []string{"Input: inputSeries, recordings", "What it does", "What it does", "`karpenter replay`", "to_be"} {
		got = append(got, string(a.Generate([]byte(heading), 0)))
	}
	want := []string{"input-inputseries-recordings", "what-it-does", "what-it-does-1", "karpenter-replay", "to_be"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("anchors (-want +got):\n%s", diff)
	}
}

// TestEveryAlertHasARunbook compares the alerts with the headings of the runbooks.
func TestEveryAlertHasARunbook(t *testing.T) {
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "../controller/dashboards/alerts.yaml")), &alerts); err != nil {
		t.Fatal(err)
	}
	runbooks := read(t, "runbooks.md")
	count := 0
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			count++
			if !strings.Contains(runbooks, "\n## "+rule.Alert+"\n") {
				t.Errorf("%s has no runbook", rule.Alert)
			}
		}
	}
	if headings := strings.Count(runbooks, "\n## "); headings != count {
		t.Errorf("%d runbooks for %d alerts", headings, count)
	}
}

// TestRecordPageHasEveryKey finds keys of a record that its page does not explain.
func TestRecordPageHasEveryKey(t *testing.T) {
	page := read(t, "reference/record.md")
	keys := regexp.MustCompile(`json:"(\w+)"`).FindAllStringSubmatch(read(t, "../../engine/journal/decode.go"), -1)
	if len(keys) < 40 {
		t.Fatalf("engine/journal/decode.go has %d keys: where are the others?", len(keys))
	}
	for _, key := range keys {
		if !regexp.MustCompile("[`{ ]" + key[1] + "[`},]").MatchString(page) {
			t.Errorf("reference/record.md does not explain the key %s", key[1])
		}
	}
	for _, reason := range regexp.MustCompile(`Reason = "(\w+)"`).FindAllStringSubmatch(read(t, "../../engine/autoscaler/step.go"), -1) {
		if !strings.Contains(page, "`"+reason[1]+"`") {
			t.Errorf("reference/record.md does not name the reason %s", reason[1])
		}
	}
}

// TestClaims finds the tests that the claims name.
func TestClaims(t *testing.T) {
	named := regexp.MustCompile("`((?:Test|Benchmark|Example)\\w+)`").FindAllStringSubmatch(read(t, "claims.md"), -1)
	if len(named) == 0 {
		t.Fatal("claims.md names no test")
	}
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example)\w*)\(`)
	err := filepath.WalkDir(repository, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		for _, match := range function.FindAllStringSubmatch(read(t, name), -1) {
			declared[match[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range named {
		if !declared[match[1]] {
			t.Errorf("claims.md names %s, which does not exist", match[1])
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
