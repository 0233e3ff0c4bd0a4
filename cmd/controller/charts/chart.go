package charts

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/cmd/controller/dashboards"
)

// Name is the name of the chart, of its objects, and of the namespace that the
// controller expects.
const Name = "karpenter-autoscaling"

//go:embed karpenter-autoscaling/Chart.yaml karpenter-autoscaling/values.yaml
//go:embed karpenter-autoscaling/values.schema.json karpenter-autoscaling/templates
var files embed.FS

// templates is the order in which kubectl applies what they render.
var templates = []string{
	"serviceaccount.yaml", "rbac.yaml", "networkpolicy.yaml", "metrics.yaml",
	"prometheusrule.yaml", "dashboard.yaml", "disruption.yaml", "deployment.yaml",
}

// linked are the chart's files that are links here: go:embed takes none.
var linked = map[string][]byte{"alerts.yaml": dashboards.Alerts, "grafana.json": dashboards.Grafana}

// chartFiles has the chart's files by name, for templates as .Files.
type chartFiles map[string][]byte

// Get returns a file of the chart, empty where there is none, as helm does.
func (f chartFiles) Get(name string) string { return string(f[name]) }

// functions are helm's, as far as the templates use them.
var functions = template.FuncMap{
	"trim":  strings.TrimSpace,
	"quote": func(value any) string { return strconv.Quote(fmt.Sprint(value)) },
	"join": func(separator string, values []any) string {
		texts := make([]string, len(values))
		for i := range values {
			texts[i] = fmt.Sprint(values[i])
		}
		return strings.Join(texts, separator)
	},
	"int64": whole,
	"mul": func(value any, factor int) (int64, error) {
		n, err := whole(value)
		return n * int64(factor), err
	},
	"nindent": func(spaces int, text string) string {
		return "\n" + strings.Repeat(" ", spaces) + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", spaces))
	},
	"toYaml": func(value any) (string, error) {
		content, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(content), "\n"), err
	},
}

// whole is the number of a value; YAML's numbers are floats.
func whole(value any) (int64, error) {
	switch v := value.(type) {
	case float64:
		return int64(v), nil
	case int64:
		return v, nil
	}
	return 0, fmt.Errorf("%v is no number", value)
}

// Render returns the chart's objects for a version of the controller (v0.1.0)
// as YAML documents, each without separators, in the order in which they should
// be applied.
func Render(version, namespace string, values map[string]any) ([]string, error) {
	data := map[string]any{
		"Values":  values,
		"Release": map[string]any{"Namespace": namespace},
		"Chart":   map[string]any{"AppVersion": version},
		"Files":   chartFiles(linked),
	}
	var documents []string
	for _, name := range templates {
		content, err := files.ReadFile(path.Join(Name, "templates", name))
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		parsed, err := template.New(name).Funcs(functions).Option("missingkey=error").Parse(string(content))
		if err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		var out bytes.Buffer
		if err := parsed.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("chart: %w", err)
		}
		for document := range strings.SplitSeq(out.String(), "\n---\n") {
			if document = strings.TrimSpace(document); document != "" {
				documents = append(documents, document+"\n")
			}
		}
	}
	return documents, nil
}
