package reports

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddReferences(t *testing.T) {
	// Needed 2 for 10 min and 5 for 10: at most 5, on average 3.5.
	run := bootDelay(oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 14, 5), steps(0, 2, 12, 5), decided(0, 2, 12, 5)), 2)
	run.Columns[0].Objects[0].Price = 2
	for i := 0; i < 2; i++ { // again changes nothing
		if err := AddReferences(run); err != nil {
			t.Fatal(err)
		}
	}
	r := computed(t, run)
	want := []string{Current, StaticPeak, StaticMean, Oracle}
	if diff := cmp.Diff(want, r.columnNames()); diff != "" {
		t.Fatalf("columns (-want +got):\n%s", diff)
	}
	for _, expr := range []string{
		`replica_hours{column="static peak"} == 1.6666666666666667`, `breach_minutes{column="static peak"} == 0`,
		`largest_replicas{column="static mean"} == 4`, `breach_minutes{column="static mean"} == 10`,
		`breach_minutes{column="oracle"} == 0`, `cost{column="oracle"} == 2.533333333333333`,
		`regret_replica_hours{column="oracle"} == 0`, `breach_minutes == breach_minutes{column="oracle"} + 4`,
	} {
		if ok, detail, err := r.Evaluate(expr); !ok || err != nil {
			t.Errorf("%s: %s %v", expr, detail, err)
		}
	}
	if r.Trade != "" {
		t.Errorf("references are not ranked, but: %s", r.Trade)
	}
	base := oneColumn(20, steps(0, 2), steps(0, 2), steps(0, 2), decided(0, 2))
	if err := SetBaseline(run, base, ""); err != nil {
		t.Fatal(err)
	}
	if run.Columns[1].Name != Baseline {
		t.Errorf("a baseline stands before the references, not after %s", run.Columns[1].Name)
	}
	if text := computed(t, run).Markdown(); strings.Index(text, "| baseline |") > strings.Index(text, "| *static peak* |") {
		t.Errorf("references stand below:\n%s", text)
	}
}

func TestReferencesLeaveVariantsAlone(t *testing.T) {
	run := oneColumn(20, steps(0, 2), steps(0, 2), steps(0, 2), decided(0, 2))
	variant := run.Columns[0]
	variant.Name = Oracle
	run.Columns = append(run.Columns, variant)
	if err := AddReferences(run); err != nil {
		t.Fatal(err)
	}
	if run.Columns[1].Reference || len(run.Columns) != 4 || len(run.Notes) != 1 {
		t.Errorf("a variant called oracle stays and is noted; got %d columns and notes %v", len(run.Columns), run.Notes)
	}
	blind := oneColumn(20, Steps{}, steps(0, 2), steps(0, 2), decided(0, 2))
	if err := AddReferences(blind); err != nil || len(blind.Columns) != 1 {
		t.Errorf("without demand there is no reference; got %d columns, %v", len(blind.Columns), err)
	}
}

func TestFaultsAreShown(t *testing.T) {
	r := computed(t, evening(t))
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{">Prometheus down</text>", ">API conflicts (30 %)</text>", ">leader change</text>", `id="faults"`, "<td>7 min</td>", `class="spark"`, `class="moment">`} {
		if !strings.Contains(string(page), text) {
			t.Errorf("the page lacks %s", text)
		}
	}
	text := r.Markdown()
	for _, line := range []string{
		"Faults: API conflicts (30 %) Friday 18:00–18:30; Prometheus down Friday 18:05–18:12; leader change 18:20:00.",
		"  ```text\n   18:39:00  18:39:30 [18:40:00] 18:40:30\n  kube_deployment_status_replicas_ready{deployment=\"checkout\"}\n         20        18       [17]       19\n  ```\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the summary lacks %q:\n%s", line, text)
		}
	}
}

func TestFaultsAreChecked(t *testing.T) {
	cases := map[string]struct {
		reason string
		fault  Fault
	}{
		"Backwards": {"a fault must not end before it begins", Fault{Name: "f", From: 10, To: 9}},
		"Certain":   {"a probability is at most 1", Fault{Name: "f", Probability: 1.5}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := oneColumn(20, steps(0, 2), steps(0, 2), steps(0, 2), nil)
			run.Faults = []Fault{c.fault}
			if _, err := Compute(run); err == nil || !strings.Contains(err.Error(), "fault f") {
				t.Errorf("%s: error is %v", c.reason, err)
			}
		})
	}
}
