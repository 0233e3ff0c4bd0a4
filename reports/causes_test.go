package reports

import (
	"html"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// Every cause has its colours, in light and in dark, and a pattern that tells it
// apart without them.
func TestCausesAreDrawn(t *testing.T) {
	if len(causeMeanings) != len(Causes()) {
		t.Errorf("%d of %d causes are defined", len(causeMeanings), len(Causes()))
	}
	patterns := map[string]Cause{}
	for _, c := range Causes() {
		for _, name := range []string{"--" + c.slug() + ": #", "--" + c.slug() + "-soft: #"} {
			if n := strings.Count(style, name); n != 2 {
				t.Errorf("%s: style.css has %s %d times, want once in light and once in dark", c, name, n)
			}
		}
		pattern := hatchPaths[c]
		if other, taken := patterns[pattern]; pattern == "" || taken {
			t.Errorf("%s: pattern %q, which is that of %q", c, pattern, other)
		}
		patterns[pattern] = c
	}
}

// A table names a cause as the chart and the sentence do.
func TestCausesHaveOneName(t *testing.T) {
	r := computed(t, evening(t))
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{">bound<", ">rate<", ">stabilization<"} {
		if strings.Contains(string(page), name) {
			t.Errorf("the page has another name for a cause: %s", name)
		}
	}
	for _, name := range []string{"maxReplicas</a></th>", "the rate policy</a></th>"} {
		if !strings.Contains(string(page), name) {
			t.Errorf("the table of causes lacks %s", name)
		}
	}
}

// Two rate policies have one pattern and one name, so the key has them once.
func TestKeyJoinsWhatHasOneName(t *testing.T) {
	o := &ObjectReport{Causes: []CauseTime{
		{Cause: StartUp, Seconds: 600}, {Cause: Rate, Detail: "scale-up 4 replicas per 15 s", Seconds: 300}, {Cause: Rate, Detail: "scale-up 100% per 15 s", Seconds: 60},
	}}
	var got []string
	for _, k := range o.key() {
		got = append(got, k.Text)
	}
	if want := []string{"start-up: 10 min", "the rate policy: 6 min"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The fidelity of a part is not known; the whole run's is said to be that.
func TestZoomKeepsFidelity(t *testing.T) {
	run := evening(t)
	run.Fidelity = &Fidelity{Agreement: result.Agreement{Percent: 89, Slots: 240}}
	narrow, err := Zoom(run, run.Start+600, run.End)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		run  *Run
		want string
	}{
		"Whole": {run, "89 % of 240 slots, no change in either"},
		"Part":  {narrow, "mean error 0 replicas of the whole run."},
	} {
		if text := computed(t, c.run).Markdown(); !strings.Contains(text, c.want) {
			t.Errorf("%s: want %q in\n%.900s", name, c.want, text)
		}
	}
}

// One run has the same sentence, and the same minutes and names of its causes, on
// every output, and each name is defined on the page and in the documentation.
func TestOutputsAgreeOnCauses(t *testing.T) {
	r := computed(t, evening(t))
	dir := t.TempDir()
	if err := r.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := WriteCall(filepath.Join(dir, "call"), []*Report{r}, Call{}); err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, name := range []string{htmlName, markdownName, JSONFile, "call/" + indexName, "call/" + markdownName, "call/" + JSONFile, "call/" + junitName} {
		outputs[name] = html.UnescapeString(read(t, dir, name))
	}
	for _, format := range []Format{FormatTable, FormatJSON, FormatYAML} {
		var b strings.Builder
		if err := Table(&b, []*Report{r}, TableOptions{Format: format}); err != nil {
			t.Fatal(err)
		}
		outputs["standard output as "+string(format)] = b.String()
	}
	sentence := strings.Join(strings.Fields(r.Headline), " ")
	for name, text := range outputs {
		plain := strings.Join(strings.Fields(strings.ReplaceAll(text, `\`, "")), " ")
		if !strings.Contains(plain, sentence) {
			t.Errorf("%s lacks the sentence %q", name, sentence)
		}
	}
	parts := regexp.MustCompile(`([\d.]+) (?:min caused )?by ([^,;.]+)`).FindAllStringSubmatch(r.Headline, -1)
	if len(parts) < 3 {
		t.Fatalf("the sentence names %d causes: %s", len(parts), r.Headline)
	}
	o := r.focus()
	table := r.causeTable(o)
	documented := CausesTable()
	for i, share := range phraseShares(o.Causes) {
		if i == len(parts) {
			break
		}
		minutes, name := parts[i][1], parts[i][2]
		if name != share.phrase {
			t.Errorf("the sentence names %q, the causes are %q there", name, share.phrase)
		}
		if want, err := strconv.ParseFloat(minutes, 64); err != nil || math.Abs(want*60-float64(share.seconds)) > 6 {
			t.Errorf("%s: %s min in the sentence, %d s in report.json", name, minutes, share.seconds)
		}
		if !strings.Contains(outputs[htmlName], name+": "+minutes+" min") {
			t.Errorf("the key of the chart lacks %q", name+": "+minutes+" min")
		}
		row := slices.IndexFunc(table.Rows, func(row rowView) bool { return row.Name == share.cause.words() })
		column := slices.Index(table.Titles, Current)
		if row < 0 || table.Rows[row].Cells[column] != minutes {
			t.Errorf("%s: the table of causes has %+v, the sentence %s min", name, table.Rows, minutes)
		}
		if anchor := `id="cause-` + share.cause.slug() + `"`; !strings.Contains(outputs[htmlName], anchor) || !strings.Contains(documented, anchor) {
			t.Errorf("%s is defined on the page: %t, in the documentation: %t", name, strings.Contains(outputs[htmlName], anchor), strings.Contains(documented, anchor))
		}
	}
}
