package dashboards

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// others are the metrics of the libraries that the controller links.
var others = []string{
	"go_memstats_heap_inuse_bytes", "leader_election_master_status", "process_cpu_seconds_total",
	"process_resident_memory_bytes", "rest_client_requests_total",
}

// A dashboard is what the tests look at of Grafana's model.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
}

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	content, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	d := &dashboard{}
	if err := json.Unmarshal(content, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func readRules(t testing.TB) []rulefmt.Rule {
	t.Helper()
	content, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.Default())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var rules []rulefmt.Rule
	for _, group := range groups.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	seen := map[int]string{}
	for _, panel := range d.Panels {
		if other, found := seen[panel.ID]; found {
			t.Errorf("panels %q and %q have one id", panel.Title, other)
		}
		seen[panel.ID] = panel.Title
		if panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %q is wider than the grid", panel.Title)
		}
	}
	for i, a := range d.Panels {
		for _, b := range d.Panels[i+1:] {
			p, q := a.GridPos, b.GridPos
			if p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H {
				t.Errorf("panels %q and %q overlap", a.Title, b.Title)
			}
		}
	}
}

// TestMetricsExist looks for every metric that is shown or alerted on.
func TestMetricsExist(t *testing.T) {
	literals := metricLiterals(t)
	for _, expr := range expressions(t) {
		for _, name := range metricNames(t, expr) {
			if slices.Contains(others, name) {
				continue
			}
			if !slices.ContainsFunc(literals, func(literal string) bool {
				// Some names are put together from a beginning and a resource.
				return literal == name || strings.HasSuffix(literal, "_") && strings.HasPrefix(name, literal)
			}) {
				t.Errorf("nothing exports %s, which this needs: %s", name, expr)
			}
		}
	}
}

// expressions are all of the dashboard and the rules, as PromQL without Grafana's
// variables.
func expressions(t *testing.T) []string {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$namespace", ".*", "$name", ".*", "$job", ".*")
	var all []string
	d := readDashboard(t)
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, variables.Replace(target.Expr))
		}
	}
	values := regexp.MustCompile(`^label_values\((.*), \w+\)$`)
	for _, variable := range d.Templating.List {
		if match := values.FindStringSubmatch(variable.Definition); match != nil {
			all = append(all, variables.Replace(match[1]))
		}
	}
	for _, rule := range readRules(t) {
		all = append(all, rule.Expr)
	}
	if len(all) < 30 {
		t.Fatalf("got %d expressions, which cannot be all", len(all))
	}
	return all
}

// metricNames are those that an expression selects, as they are exported.
func metricNames(t *testing.T, expr string) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	var names []string
	for _, matchers := range parser.ExtractSelectors(parsed) {
		i := slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
		if i < 0 {
			t.Fatalf("%s: a selector without a name", expr)
		}
		names = append(names, strings.TrimSuffix(matchers[i].Value, "_bucket"))
	}
	return names
}

// metricLiterals are the strings of our sources that look like metric names.
func metricLiterals(t *testing.T) []string {
	t.Helper()
	quoted := regexp.MustCompile(`"(karpenter_[a-z_]+)"`)
	var found []string
	for _, root := range []string{"..", "../../../engine/nodegroup", "../../../engine/journal", "../../../engine/producer", "../../../providers"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			for _, match := range quoted.FindAllSubmatch(content, -1) {
				found = append(found, string(match[1]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
