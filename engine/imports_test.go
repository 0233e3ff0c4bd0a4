package engine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/karpenter-sim/karpenter/"

// core are the packages that decide: values in, values out.
var core = []string{"policy", "slot", "algorithm", "behavior", "autoscaler", "observation", "nodegroup", "producer"}

// TestImports holds the production files of the module to the arrows between
// its rooms, and keeps the clock and the global random source out of those
// whose output must not depend on them.
func TestImports(t *testing.T) {
	root := os.DirFS("..")
	files := 0
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		files++
		for _, violation := range violations(t, name, source) {
			t.Error(violation)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files were found; this test must run inside the module", files)
	}
}

// violations are the broken rules of one file, in the order of the file.
func violations(t *testing.T, name string, source []byte) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.FromSlash(name), source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	report := func(node ast.Node, format string, args ...any) {
		at := set.Position(node.Pos())
		found = append(found, fmt.Sprintf("%s:%d: ", name, at.Line)+fmt.Sprintf(format, args...))
	}
	packages := map[string]string{} // local name -> import path
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(imported)
		if local == "v2" {
			local = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		packages[local] = imported
		if rule := forbidden(path.Dir(name), imported); rule != "" {
			report(spec, "imports %s: %s", imported, rule)
		}
		if local == "." {
			report(spec, "dot import of %s: a name must say where it comes from", imported)
		}
	}
	if !timeless(path.Dir(name)) {
		return found
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok {
				if rule := ambient(packages[x.Name], selector.Sel.Name); rule != "" {
					report(selector, "%s.%s: %s", x.Name, selector.Sel.Name, rule)
				}
			}
		}
		return true
	})
	return found
}

// below says whether a directory is room or lies in it.
func below(dir string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") })
}

// forbidden is the rule that an import from a directory of the module breaks, or empty.
func forbidden(dir, imported string) string {
	if within, ok := strings.CutPrefix(imported, module); ok {
		return arrow(dir, within)
	}
	if below(dir, "engine") {
		if below(imported, "k8s.io/client-go", "sigs.k8s.io/controller-runtime", "gonum.org", "net", "os", "math/rand") {
			return "engine takes the world as values"
		}
		if isCore(dir) && below(imported, "context", "log", "k8s.io/klog", "k8s.io/klog/v2", "github.com/go-logr/logr") {
			return "the core packages take no context and no logger"
		}
	}
	// The programs that made the recordings of scenarios are nobody's dependency.
	if below(imported, "github.com/prometheus/prometheus") && !below(dir, "providers/fake", "providers/promql", "sim", "cmd", "scenarios/recordings", "deps") {
		return "only providers/fake, providers/promql, sim and cmd may import Prometheus itself"
	}
	return ""
}

// arrow is the rule that an import within the module breaks, or empty.
func arrow(dir, within string) string {
	provider := strings.Join(strings.SplitN(dir, "/", 3)[:min(2, strings.Count(dir, "/")+1)], "/")
	switch {
	case isCore(dir) && below(within, "engine/cycle", "engine/journal"):
		return "the core packages know neither the driver nor the journal"
	case below(dir, "engine") && !below(within, "engine"):
		return "engine imports nothing above it"
	case below(dir, "sim") && !below(within, "sim", "engine", "providers/fake", "providers/promql"):
		return "sim imports engine, providers/fake and providers/promql only"
	case below(dir, "sim/result") && !below(within, "engine"):
		return "sim/result is data: it imports engine only"
	case below(dir, "reports") && !below(within, "reports", "engine", "sim/result"):
		return "reports imports engine and sim/result only"
	case below(dir, "providers") && !below(within, "engine", provider):
		return "a provider imports engine only, never another provider"
	}
	return ""
}

func isCore(dir string) bool {
	room, ok := strings.CutPrefix(dir, "engine/")
	return ok && slices.Contains(core, room)
}

// timeless are the rooms whose output is a function of their input.
func timeless(dir string) bool { return below(dir, "engine", "sim", "reports", "providers/fake") }

// ambient is the rule that a use of a package's name breaks, or empty.
func ambient(imported, name string) string {
	names := map[string][]string{
		"time":                                 {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		"k8s.io/apimachinery/pkg/apis/meta/v1": {"Now", "NowMicro"},
		"k8s.io/utils/clock":                   {"RealClock"},
	}
	if slices.Contains(names[imported], name) {
		return "time is an input here"
	}
	own := []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "PCG", "ChaCha8", "Zipf", "Source"}
	if below(imported, "math/rand") && !slices.Contains(own, name) {
		return "the global random source is not seeded by the scenario"
	}
	return ""
}

// TestViolations proves that each rule can fail, and that none fails too much.
func TestViolations(t *testing.T) {
	cases := map[string]struct {
		reason string
		file   string
		source string
		want   []string
	}{
		"Allowed": {
			reason: "the engine may import itself, the API machinery and parts of time that read no clock",
			file:   "engine/cycle/x.go",
			source: "import (\n\"context\"\n\"time\"\n\"" + module + "engine/policy\"\n)\nvar d = time.Second * time.Duration(policy.MaxInterval)\nvar _ context.Context",
		},
		"EngineUp": {
			reason: "the engine must not know who calls it",
			file:   "engine/journal/x.go",
			source: `import _ "` + module + `sim/scenario"`,
			want:   []string{"engine/journal/x.go:2: imports " + module + "sim/scenario: engine imports nothing above it"},
		},
		"EngineWorld": {
			reason: "each way to the world is closed, also below its own path",
			file:   "engine/cycle/x.go",
			source: "import (\n_ \"os\"\n_ \"net/http\"\n_ \"math/rand/v2\"\n_ \"k8s.io/client-go/rest\"\n_ \"gonum.org/v1/gonum/stat\"\n_ \"sigs.k8s.io/controller-runtime\"\n)",
			want: []string{
				"engine/cycle/x.go:3: imports os: engine takes the world as values",
				"engine/cycle/x.go:4: imports net/http: engine takes the world as values",
				"engine/cycle/x.go:5: imports math/rand/v2: engine takes the world as values",
				"engine/cycle/x.go:6: imports k8s.io/client-go/rest: engine takes the world as values",
				"engine/cycle/x.go:7: imports gonum.org/v1/gonum/stat: engine takes the world as values",
				"engine/cycle/x.go:8: imports sigs.k8s.io/controller-runtime: engine takes the world as values",
			},
		},
		"CoreContext": {
			reason: "a core package cannot wait or log",
			file:   "engine/autoscaler/x.go",
			source: "import (\n_ \"context\"\n_ \"log/slog\"\n_ \"" + module + "engine/journal\"\n)",
			want: []string{
				"engine/autoscaler/x.go:3: imports context: the core packages take no context and no logger",
				"engine/autoscaler/x.go:4: imports log/slog: the core packages take no context and no logger",
				"engine/autoscaler/x.go:5: imports " + module + "engine/journal: the core packages know neither the driver nor the journal",
			},
		},
		"Clock": {
			reason: "the clock is found under any local name, called or passed on",
			file:   "sim/x.go",
			source: "import (\nclock \"time\"\nmetav1 \"k8s.io/apimachinery/pkg/apis/meta/v1\"\n)\nvar now = clock.Now\nvar at = metav1.Now()\nfunc wait() { <-clock.After(clock.Second) }",
			want: []string{
				"sim/x.go:6: clock.Now: time is an input here",
				"sim/x.go:7: metav1.Now: time is an input here",
				"sim/x.go:8: clock.After: time is an input here",
			},
		},
		"ClockElsewhere": {
			reason: "the binary has the clock",
			file:   "cmd/controller/main.go",
			source: "import \"time\"\nvar start = time.Now()",
		},
		"Random": {
			reason: "a generator of one's own is allowed, the global one is not",
			file:   "sim/world/x.go",
			source: "import \"math/rand/v2\"\nvar r = rand.New(rand.NewPCG(1, 2))\nvar n = rand.IntN(3)",
			want:   []string{"sim/world/x.go:4: rand.IntN: the global random source is not seeded by the scenario"},
		},
		"DotImport": {
			reason: "a dot import would hide the clock",
			file:   "reports/x.go",
			source: "import . \"time\"\nvar now = Now()",
			want:   []string{"reports/x.go:2: dot import of time: a name must say where it comes from"},
		},
		"Providers": {
			reason: "a provider knows the engine and its own packages",
			file:   "providers/aws/sqs/x.go",
			source: "import (\n_ \"" + module + "engine/cycle\"\n_ \"" + module + "providers/aws\"\n_ \"" + module + "providers/awsome\"\n_ \"" + module + "providers/fake\"\n)",
			want: []string{
				"providers/aws/sqs/x.go:5: imports " + module + "providers/awsome: a provider imports engine only, never another provider",
				"providers/aws/sqs/x.go:6: imports " + module + "providers/fake: a provider imports engine only, never another provider",
			},
		},
		"Rooms": {
			reason: "reports never run anything, sim never renders",
			file:   "reports/x.go",
			source: "import (\n_ \"" + module + "engine/journal\"\n_ \"" + module + "sim\"\n)",
			want:   []string{"reports/x.go:4: imports " + module + "sim: reports imports engine and sim/result only"},
		},
		"Sim": {
			reason: "the simulator has no live provider",
			file:   "sim/world/x.go",
			source: "import (\n_ \"" + module + "providers/fake\"\n_ \"" + module + "providers/aws\"\n)",
			want:   []string{"sim/world/x.go:4: imports " + module + "providers/aws: sim imports engine, providers/fake and providers/promql only"},
		},
		"Prometheus": {
			reason: "the live controller does not parse PromQL",
			file:   "providers/prometheus/x.go",
			source: "import (\n_ \"github.com/prometheus/client_golang/api\"\n_ \"github.com/prometheus/prometheus/promql\"\n)",
			want:   []string{"providers/prometheus/x.go:4: imports github.com/prometheus/prometheus/promql: only providers/fake, providers/promql, sim and cmd may import Prometheus itself"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := violations(t, c.file, []byte("package x\n"+c.source))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
