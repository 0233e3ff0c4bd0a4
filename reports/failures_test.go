package reports

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// What somebody else's autoscaler failed at is in the report, and in the run that is
// read back from it.
func TestFailuresAreTold(t *testing.T) {
	run := oneColumn(20, steps(0, 3), steps(0, 2), steps(0, 2), decided(0, 2))
	theirs := run.Columns[0]
	theirs.Name, theirs.Journal, theirs.File = "theirs", nil, ""
	theirs.Failures = []result.Failure{
		{Object: theirs.Objects[0].Journal, Code: result.Panicked, Count: 1, First: run.Start, Detail: "nil <map>"},
		{Object: theirs.Objects[0].Journal, Code: observation.TimedOut, Count: 12, First: run.Start + 60},
	}
	run.Columns = append(run.Columns, theirs)
	r := computed(t, run)
	dir := t.TempDir()
	if err := r.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	again, err := ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theirs.Failures, again.Columns[1].Failures); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	text := r.Markdown()
	for _, want := range []string{
		"Column theirs: 1 decision of " + theirs.Objects[0].Journal.String() + " not carried out (Panicked), first at ",
		"12 decisions of ", "(TimedOut)", "nil &lt;map&gt;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
}
