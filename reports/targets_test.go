package reports

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// fleet is a run of four targets: web lacks for 10 min and runs on nodes, which lack
// for 30; cart lacks for 20 min; batch for none.
func fleet() *Run {
	r := oneColumn(90, Steps{}, steps(0, 2), steps(0, 2), nil)
	object := func(name string, lacks float64) Object {
		return Object{Journal: journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "default", Name: name}, Target: cycle.TargetRef{Kind: "Deployment", Name: name},
			Needed: steps(0, 2, 10, 5, 10+lacks, 2), Ready: steps(0, 2), Spec: steps(0, 2)}
	}
	web, nodes := object("web", 10), object("nodes", 30)
	web.Groups = []string{"default/nodes"}
	nodes.Target.Kind = journal.ScalableNodeGroup
	batch := object("batch", 0)
	batch.Needed = steps(0, 2)
	r.Columns[0].Objects = []Object{batch, web, object("cart", 20), nodes}
	return r
}

// Targets are listed worst first, and a node group behind the workload that it carries.
func TestTargetsWorstFirst(t *testing.T) {
	r := computed(t, fleet())
	var got []string
	for _, o := range r.ranked() {
		got = append(got, r.listed(o))
	}
	if want := []string{"web", "nodes (nodes of web)", "cart", "batch"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: web stands where its nodes do, which are the worst", got, want)
	}
}

// Every target has its sentence, its plot and its table on the page, and no table adds
// up what pods and nodes lack.
func TestTargetsAreJudgedAndDrawn(t *testing.T) {
	r := computed(t, fleet())
	html, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	page := string(html)
	sections := regexp.MustCompile(`(?s)<section class="target">.*?</section>`).FindAllString(page, -1)
	if len(sections) != 4 {
		t.Fatalf("%d sections, want one for each of four targets", len(sections))
	}
	for i, want := range []string{"web lacked capacity for 10 min", "nodes lacked capacity for 30 min", "cart lacked capacity for 20 min", "batch never lacked capacity in 90 minutes"} {
		if !strings.Contains(sections[i], want) {
			t.Errorf("section %d has not %q", i+1, want)
		}
		if drawn := strings.Contains(sections[i], "<svg"); !drawn && !strings.Contains(sections[i], `href="#plot"`) {
			t.Errorf("section %d has no plot", i+1)
		}
	}
	for name, text := range map[string]string{"page": page, "summary": r.Markdown(), "terminal": textTable([]*Report{r}, TableOptions{})} {
		if strings.Contains(text, ">60<") || strings.Contains(text, "| 60 |") || strings.Contains(text, "  60  ") {
			t.Errorf("%s: 10 + 20 + 30 min are added up", name)
		}
		for _, want := range []string{"web", "cart", "nodes (nodes of web)"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no word of %s", name, want)
			}
		}
	}
	if lack := r.Columns[0].lack(); lack != 30*60*3/3600.0 {
		t.Errorf("columns are weighed by %v replica-hours, want those of pods only", lack)
	}
}
