package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExplainGolden holds the texts that people read.
func TestExplainGolden(t *testing.T) {
	dir := testdata(t, "explain")
	played(t)
	cases := map[string]struct {
		reason string
		args   []string
	}{
		"timeline":    {"every change of the count", []string{"ha/web"}},
		"range":       {"runs of equal decisions", []string{"default/ha/web", "--from", "08:35", "--to", "09:00"}},
		"first":       {"the first sight", []string{"ha/web", "--at", "08:00"}},
		"limited":     {"held by a rate policy", []string{"ha/web", "--at", "08:11:34"}},
		"bounded":     {"held by maxReplicas", []string{"ha/web", "--at", "Mon 08:13"}},
		"unavailable": {"no metric", []string{"ha/web", "--at", "2026-01-05 08:37:05"}},
		"stabilized":  {"held by the window", []string{"ha/web", "--at", "08:45"}},
		"percent":     {"limited by a percentage, on the way down", []string{"ha/web", "--at", "08:47:20"}},
		"dryrun":      {"two metrics, one off, in a dry run", []string{"ha/api", "--at", "09:15", "--tz", "Europe/Berlin"}},
		"partial":     {"one of two metrics failed: no scale-down", []string{"ha/api", "--at", "08:35"}},
		"last":        {"the end of the data means the last slot", []string{"ha/web", "--at", "09:00"}},
		"yaml":        {"for machines", []string{"ha/web", "--at", "08:11:30", "-o", "yaml"}},
		"range-json":  {"runs for machines", []string{"ha/web", "--from", "08:47", "--to", "08:49", "-o", "json"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"explain", "out"}, c.args...)...)
			got.want(t, exitOK, "")
			for line := range strings.Lines(got.stdout) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > textWidth && !slices.Contains(c.args, "-o") {
					t.Errorf("%s: a line of %d columns: %s", c.reason, n, line)
				}
			}
			golden(t, filepath.Join(dir, name+".golden"), got.stdout)
		})
	}
}

func TestExplainInputs(t *testing.T) {
	text := played(t)
	lines := strings.SplitAfter(text, "\n")
	// Two processes wrote one after the other, and the files lie in the wrong order.
	write(t, "r/b.jsonl", strings.Join(lines[:300], ""))
	write(t, "r/a.jsonl.gz", zipped(t, strings.Join(lines[300:], "")))
	// Two processes led in turn; each file stands alone for its part.
	var odd, even []string
	for i, line := range lines {
		if i/200%2 == 0 {
			even = append(even, line)
		} else {
			odd = append(odd, line)
		}
	}
	write(t, "turns/a.jsonl", strings.Join(even, ""))
	write(t, "turns/b.jsonl", strings.Join(odd, ""))
	write(t, "outcome.jsonl", text+`{"v":1,"kind":"Outcome","namespace":"default","name":"web","slot":"2026-01-05T08:10:00Z","of":"HorizontalAutoscaler",`+
		`"result":"Conflict","at":"2026-01-05T08:10:00.250Z","latenessMilliseconds":250}`+"\n")
	cases := map[string]struct {
		reason string
		args   []string
		line   string
	}{
		"Parts":   {"journals are put in the order of their slots", []string{"r", "ha/web"}, "Mon 2026-01-05 08:00:00 UTC to Mon 2026-01-05 08:59:50 UTC\n"},
		"Turns":   {"files whose times overlap are put together", []string{"turns", "ha/web", "--from", "08:16", "--to", "08:34"}, "\n08:16:00  08:34:00  20       Bounded  23 wanted; maxReplicas 20\n"},
		"Lost":    {"a part without its state says what the records say", []string{"r/a.jsonl.gz", "ha/web", "--at", "08:35"}, "Note: the state before this decision is lost with a line of the journal;"},
		"Stdin":   {"standard input", []string{"-", "ha/web", "--at", "08:13"}, "<stdin>:158, generation 1\n"},
		"Kind":    {"the long name of the kind, in any case", []string{"out", "default/HorizontalAutoscaler/web"}, "default/HorizontalAutoscaler/web\n"},
		"Plural":  {"its plural", []string{"out", "horizontalautoscalers/web"}, "default/HorizontalAutoscaler/web\n"},
		"Outcome": {"what came of it", []string{"outcome.jsonl", "ha/web", "--at", "08:10"}, "\nWhat came of it: Conflict, it was changed by somebody else meanwhile, at\n2026-01-05T08:10:00.250Z, 250 ms after the slot\n"},
		"Between": {"a time between slots means the slot before", []string{"out", "ha/web", "--at", "08:10:09"}, "at Mon 2026-01-05 08:10:00 UTC\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, text, append([]string{"explain"}, c.args...)...)
			if got.code != exitOK || !strings.Contains(got.stdout, c.line) {
				t.Errorf("%s: code %d, stdout:\n%s%s\nwant in it: %s", c.reason, got.code, got.stdout, got.stderr, c.line)
			}
		})
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	played(t)
	write(t, "twice/x.jsonl", read(t, spikeJournal))
	write(t, "empty.jsonl", "")
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"Many":      {"several objects and none named", []string{"out"}, "decisions of 2 objects; name one of:\nkarpenter:   default/HorizontalAutoscaler/api\nkarpenter:   default/HorizontalAutoscaler/web\n"},
		"Other":     {"an object that is not there", []string{"out", "ha/db"}, "no decisions of HorizontalAutoscaler/db in the journals; there are:\nkarpenter:   default/HorizontalAutoscaler/api\n"},
		"Namespace": {"nor in that namespace", []string{"out", "shop/ha/web"}, "no decisions of shop/HorizontalAutoscaler/web in the journals"},
		"Typo":      {"neither", []string{"out", "web"}, `"web" is neither a file nor an object; want a journal, or [NAMESPACE/]KIND/NAME such as default/ha/web`},
		"Path":      {"a mistyped path", []string{"out/queue-spike/decision.jsonl", "ha/web"}, "out/queue-spike/decision.jsonl: no such file or directory"},
		"NoJournal": {"an object alone", []string{"ha/web"}, "HorizontalAutoscaler/web of the cluster, as no journal is given: no cluster: there is no kubeconfig"},
		"TwoNames":  {"two objects", []string{"out", "ha/web", "ha/api"}, "explain one at a time"},
		"Before":    {"a time before the data", []string{"out", "ha/web", "--at", "2026-01-04 08:00"}, "--at Sun 2026-01-04 08:00:00 UTC: before the first decision; the journals have decisions from Mon 2026-01-05 08:00:00 UTC to"},
		"After":     {"a time after it", []string{"out", "ha/web", "--at", "2026-01-06 08:00"}, "after the last decision"},
		"Clock":     {"a time of day without data", []string{"out", "ha/web", "--at", "11:00"}, `--at: "11:00": not within the data, which covers 2026-01-05 08:00:00 UTC to 2026-01-05 09:00:00 UTC`},
		"NoTime":    {"no time", []string{"out", "ha/web", "--from", "soon"}, `--from: "soon" is no time; want RFC 3339`},
		"Reversed":  {"to before from", []string{"out", "ha/web", "--from", "08:30", "--to", "08:10"}, "--from Mon 2026-01-05 08:30:00 UTC is after --to Mon 2026-01-05 08:10:00 UTC"},
		"Nothing":   {"a range without decisions", []string{"out", "ha/web", "--from", "08:30:01", "--to", "08:30:02"}, "no decisions between"},
		"Both":      {"--at and --from", []string{"out", "ha/web", "--at", "08:30", "--from", "08:10"}, "--at excludes --from and --to"},
		"Zone":      {"no such zone", []string{"out", "ha/web", "--tz", "Mars"}, "--tz Mars: unknown time zone"},
		"Histories": {"two journals of the same time", []string{"out", "twice", "ha/web"}, "twice/x.jsonl both have decisions of default/HorizontalAutoscaler/web at 2026-01-05T08:00:00Z; give the journals of one history"},
		"Empty":     {"an empty journal", []string{"empty.jsonl"}, "empty.jsonl: no decision record in it"},
		"NotOne":    {"another kind of file", []string{"spike.yaml"}, "spike.yaml:1: no decision record"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"explain"}, c.args...)...)
			if got.code != exitInvalid || !strings.Contains(got.stderr, c.want) || got.stdout != "" {
				t.Errorf("%s: code %d, stderr:\n%swant in it: %s\nstdout:\n%s", c.reason, got.code, got.stderr, c.want, got.stdout)
			}
		})
	}
}

// swapped is a journal with its first and last lines in each other's place.
func swapped(journal string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(journal, "\n"), "\n")
	last := len(lines) - 1
	lines[0], lines[last] = lines[last]+"\n", strings.TrimSuffix(lines[0], "\n")
	return strings.Join(lines, "") + "\n"
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct{ reason, text, want string }{
		{"a short line", "a b", "  a b\n"},
		{"at spaces", "aaaaaaaaaa bbbbbbbbbb cccc", "  aaaaaaaaaa\n  bbbbbbbbbb cccc\n"},
		{"words that are too long are cut", strings.Repeat("x", 25), "  " + strings.Repeat("x", 20) + "\n  xxxxx\n"},
		{"nothing is a line of its own", "", "  \n"},
	} {
		if got := wrapped(c.text, "  ", 22); got != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}
