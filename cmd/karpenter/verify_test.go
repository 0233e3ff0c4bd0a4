package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// zipped is text in gzip.
func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// resealed changes a line and gives it the digest of what it says now, as
// somebody would who knows the format.
func resealed(line, old, changed string) string {
	line = strings.Replace(strings.TrimSuffix(line, "\n"), old, changed, 1)
	body, _, _ := strings.Cut(line, `,"digest":`)
	sum := sha256.Sum256([]byte(body + "}"))
	return body + `,"digest":"` + hex.EncodeToString(sum[:]) + "\"}\n"
}

// afterGap leaves a line out and changes the next one that has a text, with digests
// and chains as somebody who knows the format would give them.
func afterGap(lines []string, gap int, old, changed string) string {
	var out []string
	chain := map[bool]string{}
	done := false
	for i, line := range lines {
		object := strings.Contains(line, `"name":"web"`)
		if i == gap {
			chain[object] = strings.Repeat("0", 64)
		}
		if line == "" || i == gap {
			continue
		}
		if i > gap && !done && strings.Contains(line, old) {
			line, done = strings.Replace(line, old, changed, 1), true
		}
		if i > gap {
			before, _, _ := strings.Cut(line, `,"chain":"`)
			line = resealed(before+`,"chain":"`+chain[object]+`","digest":"x"}`+"\n", "", "")
		}
		_, digest, _ := strings.Cut(line, `,"digest":"`)
		chain[object], _, _ = strings.Cut(digest, `"`)
		out = append(out, line)
	}
	return strings.Join(out, "")
}

func TestVerify(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	text := played(t)
	lines := strings.SplitAfter(text, "\n")
	without := strings.Join(append(lines[:99:99], lines[100:]...), "")
	changed := append([]string{}, lines...)
	changed[121] = resealed(changed[121], `"desired":9`, `"desired":8`)
	half := len(lines) / 2
	outcome := `{"v":1,"kind":"Outcome","namespace":"default","name":"web","slot":"2026-01-05T08:00:00Z","of":"HorizontalAutoscaler","result":"Conflict"}` + "\n"
	cases := map[string]struct {
		reason string
		files  map[string]string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"Run": {"a run's directory", nil, []string{"out/queue-spike"}, exitOK,
			"out/queue-spike/decisions.jsonl: 720 records verified\n", ""},
		"Call": {"a whole call's directory", nil, []string{"out"}, exitOK, "out/queue-spike/decisions.jsonl: 720 records verified\n", ""},
		"Twice": {"a file named twice is verified once", nil, []string{"out", "out/queue-spike"}, exitOK,
			"out/queue-spike/decisions.jsonl: 720 records verified\n", ""},
		"Gzip": {"gzip is told by its content", map[string]string{"j": zipped(t, text)}, []string{"j"}, exitOK, "j: 720 records verified\n", ""},
		"Rotated": {"rotated journals of a directory, in order",
			map[string]string{"d/decisions.jsonl": lines[0], "d/decisions.jsonl.1.gz": zipped(t, text), "d/notes.txt": "x", "d/.hidden.jsonl": "x"},
			[]string{"d"}, exitOK, "d/decisions.jsonl: 1 record verified\nd/decisions.jsonl.1.gz: 720 records verified\n", ""},
		"Copy": {"a rotated journal that is being compressed counts once", map[string]string{"c/x.jsonl": text, "c/x.jsonl.gz": zipped(t, text)[:9000]},
			[]string{"c"}, exitOK, "c/x.jsonl: 720 records verified\n", ""},
		"Stdin": {"standard input", nil, []string{"-"}, exitOK, "<stdin>: 720 records verified\n", ""},
		"Gap": {"a lost line is counted", map[string]string{"j": without}, []string{"j"}, exitOK,
			"j: 719 records verified, 1 gap\n", ""},
		"StrictGap": {"and fails with --strict", map[string]string{"j": without}, []string{"--strict", "j"}, exitFailed,
			"j: 719 records verified, 1 gap\n", "karpenter: j: lines are missing in 1 place (--strict)\n"},
		"Torn": {"the last line may be torn", map[string]string{"j": text[:len(text)-20]}, []string{"j"}, exitOK,
			"j: 719 records verified, last line torn\n", ""},
		"TornGzip": {"so may a compressed stream", map[string]string{"j": zipped(t, text)[:20000]}, []string{"j"}, exitOK, ", last line torn\n", ""},
		"Outcome": {"outcomes are counted, not verified", map[string]string{"j": outcome + text}, []string{"j"}, exitOK,
			"j: 720 records verified, 1 outcome\n", ""},
		"Changed": {"a changed byte", map[string]string{"j": strings.Replace(text, `"desired":9`, `"desired":8`, 1)}, []string{"j"}, exitFailed,
			"j: 121 records verified\nj:122: the line was changed: its digest says ", ""},
		"Forged": {"a changed line with a digest of its own", map[string]string{"j": strings.Join(changed, "")}, []string{"j"}, exitFailed,
			"j:122: default/HorizontalAutoscaler/web at 2026-01-05T08:10:00Z: decided again, the record differs\n  desired  recorded 8, decided 9\n", ""},
		"First": {"nothing after the first difference", map[string]string{"j": strings.Join(changed, "")}, []string{"j", "out"}, exitFailed, "", ""},
		"NotDecided": {"the state is lost with the first line", map[string]string{"j": strings.Join(lines[half:half+100], "")}, []string{"j"}, exitInvalid,
			"j: 0 records verified, 2 gaps, 100 unverifiable records\n", "none of 100 records could be verified"},
		"Repeated": {"the state is repeated every 256 records of an object", map[string]string{"j": strings.Join(lines[half:], "")}, []string{"j"}, exitFailed,
			"j: 208 records verified, 2 gaps, 152 unverifiable records\n", "karpenter: j: 152 records could not be decided again in full, since lines before are lost; --allow-gaps counts them instead\n"},
		"AllowGaps": {"what lost lines cost may be allowed", map[string]string{"j": strings.Join(lines[half:], "")}, []string{"--allow-gaps", "j"}, exitOK,
			"j: 208 records verified, 2 gaps, 152 unverifiable records\n", ""},
		"Invented": {"after a gap nothing is invented", map[string]string{"j": afterGap(lines, 121, `"desired":10`, `"desired":1`)}, []string{"--allow-gaps", "j"}, exitFailed,
			": decided again, the record differs\n  desired  recorded 1, decided 10\n", ""},
		"StrictTorn": {"strict means that the end is there, too", map[string]string{"j": text[:len(text)-20]}, []string{"--strict", "j"}, exitFailed,
			"j: 719 records verified, last line torn\n", "karpenter: j: the last line is torn (--strict)\n"},
		"Both":       {"one may not allow what the other refuses", nil, []string{"--strict", "--allow-gaps", "out"}, exitInvalid, "", "allow-gaps"},
		"Empty":      {"nothing verified is no success", map[string]string{"j": ""}, []string{"j"}, exitInvalid, "", "j: no decision record in it; nothing was verified"},
		"Blind":      {"only outcomes", map[string]string{"j": outcome}, []string{"j"}, exitInvalid, "", "no decision record in it"},
		"Other":      {"another kind of file", nil, []string{"spike.yaml"}, exitInvalid, "", "spike.yaml: no decision journal: its first line is no record"},
		"FirstLine":  {"a damaged first line is a difference, not another file", map[string]string{"j": "x" + text}, []string{"j"}, exitFailed, "j:1: no decision record: ", ""},
		"Absent":     {"no such file", nil, []string{"nope"}, exitInvalid, "", "nope: no such file or directory; want a journal, a directory with journals, or -"},
		"NoJournal":  {"a directory without journals", map[string]string{"e/a.txt": ""}, []string{"e"}, exitInvalid, "", "e: no journal in the directory; want decisions.jsonl"},
		"Higher":     {"the higher code wins, the rest is still said", map[string]string{"j": "", "k": without}, []string{"--strict", "k", "j"}, exitInvalid, "k: 719", "j: no decision record"},
		"Nothing":    {"no argument", nil, nil, exitInvalid, "", "nothing given: want a journal"},
		"Format":     {"an unknown format", nil, []string{"out", "-o", "xml"}, exitInvalid, "", "-o xml: want table, json or yaml"},
		"FutureLine": {"a later schema", map[string]string{"j": `{"v":2}` + "\n"}, []string{"j"}, exitFailed, "j:1: schema version 2: this program reads version 1\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for path, content := range c.files {
				write(t, path, content)
			}
			got := call(t, text, append([]string{"verify"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.stdout, c.stdout) || !strings.Contains(got.stderr, c.stderr) || c.stderr == "" && got.stderr != "" {
				t.Errorf("%s: code %d, want %d\nstdout:\n%swant in it:\n%s\nstderr:\n%swant in it:\n%s", c.reason, got.code, c.code, got.stdout, c.stdout, got.stderr, c.stderr)
			}
			if name == "First" && strings.Contains(got.stdout, "out/") {
				t.Errorf("%s; stdout:\n%s", c.reason, got.stdout)
			}
		})
	}
}

// TestVerifyJSON holds that machines get the same.
func TestVerifyJSON(t *testing.T) {
	text := played(t)
	lines := strings.SplitAfter(text, "\n")
	lines[121] = resealed(lines[121], `"limited":9`, `"limited":10`)
	write(t, "j", strings.Join(lines, ""))
	t.Setenv("GITHUB_ACTIONS", "true")
	got := call(t, "", "verify", "j", "-o", "json")
	got.want(t, exitFailed, "::error file=j,line=122,col=1::default/HorizontalAutoscaler/web at 2026-01-05T08:10:00Z: decided again, the record differs\n")
	var files []verifiedFile
	if err := json.Unmarshal([]byte(got.stdout), &files); err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Difference == nil {
		t.Fatalf("got %s", got.stdout)
	}
	d := files[0].Difference
	if want := []differentKey{{"limited", "10", "9"}}; fmt.Sprint(d.Keys) != fmt.Sprint(want) || d.Line != 122 {
		t.Errorf("got line %d, keys %v; want line 122, keys %v", d.Line, d.Keys, want)
	}
}
