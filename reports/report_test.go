package reports

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/result"
)

func TestWriteDirIsDeterministicAndSmall(t *testing.T) {
	s := &synthetic{start: monday, seconds: 14 * day, startUp: 90, busy: true}
	current := s.column(Current, s.policy(20))
	run := &Run{Name: "busy", Start: s.start, End: s.start + s.seconds, Loop: result.ClosedLoop, Columns: []Column{current, current, current}}
	run.Columns[0].Name, run.Columns[0].Journal, run.Columns[2].Name = Recorded, nil, "more"
	if err := AddReferences(run); err != nil {
		t.Fatal(err)
	}
	var former map[string]string
	for i := 0; i < 2; i++ {
		r, err := Compute(run)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := r.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		if err := WriteCall(dir+"/call", []*Report{r}, Call{Command: "karpenter simulate", Version: "v0.2.0"}); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, name := range []string{htmlName, markdownName, JSONFile, "call/index.html", "call/summary.md", "call/report.json", "call/junit.xml"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(text)
			if former != nil && former[name] != files[name] {
				t.Errorf("%s differs from one run to the next", name)
			}
		}
		former = files
	}
	if n := len(former[htmlName]); n >= 2<<20 {
		t.Errorf("%s has %d bytes; at most 2 MB are promised", htmlName, n)
	}
}
