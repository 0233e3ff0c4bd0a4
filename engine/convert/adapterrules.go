package convert

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// AdapterRules are the rules of prometheus-adapter: by which series and queries it
// serves the custom and external metrics of HPAs.
type AdapterRules struct {
	custom, external []adapterRule
}

// An adapterRule is one rule as its file has it.
type adapterRule struct {
	SeriesQuery   string `json:"seriesQuery"`
	SeriesFilters []struct {
		Is    string `json:"is"`
		IsNot string `json:"isNot"`
	} `json:"seriesFilters"`
	Resources struct {
		Overrides map[string]struct {
			Resource string `json:"resource"`
		} `json:"overrides"`
		Template   string `json:"template"`
		Namespaced *bool  `json:"namespaced"`
	} `json:"resources"`
	Name struct {
		Matches string `json:"matches"`
		As      string `json:"as"`
	} `json:"name"`
	MetricsQuery string `json:"metricsQuery"`

	// place is where the rule stands, such as rules[2]; query the compiled template,
	// matches the compiled pattern of names.
	place   string
	query   *template.Template
	matches *regexp.Regexp
}

// An adapterFile is the adapter's configuration, the ConfigMap around it, or the values
// of its chart.
type adapterFile struct {
	Rules         any               `json:"rules"`
	ExternalRules []adapterRule     `json:"externalRules"`
	Data          map[string]string `json:"data"`
}

// ParseAdapterRules reads the configuration of prometheus-adapter, the ConfigMap that
// has it, or the values of its chart.
func ParseAdapterRules(text []byte) (*AdapterRules, error) {
	var file adapterFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not YAML of prometheus-adapter's rules: %w", err)
	}
	if config, ok := file.Data["config.yaml"]; ok {
		return ParseAdapterRules([]byte(config))
	}
	r := &AdapterRules{external: file.ExternalRules}
	lists := map[string]*[]adapterRule{"rules": &r.custom}
	from := map[string]any{"rules": file.Rules}
	if values, ok := file.Rules.(map[string]any); ok { // of the chart
		lists = map[string]*[]adapterRule{"rules.custom": &r.custom, "rules.external": &r.external}
		from = map[string]any{"rules.custom": values["custom"], "rules.external": values["external"]}
	}
	for name, list := range lists {
		text, err := yaml.Marshal(from[name])
		if err == nil {
			err = yaml.Unmarshal(text, list)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: not a list of prometheus-adapter's rules: %w", name, err)
		}
	}
	if len(r.custom)+len(r.external) == 0 {
		return nil, errors.New("no rules in it; want prometheus-adapter's configuration with rules or externalRules, the ConfigMap that has it as config.yaml, or the values of its chart")
	}
	for i := range r.custom {
		if err := r.custom[i].compile(fmt.Sprintf("rules[%d]", i)); err != nil {
			return nil, err
		}
	}
	for i := range r.external {
		if err := r.external[i].compile(fmt.Sprintf("externalRules[%d]", i)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *adapterRule) compile(place string) (err error) {
	r.place = place
	if r.query, err = template.New("").Delims("<<", ">>").Option("missingkey=error").Parse(r.MetricsQuery); err != nil {
		return fmt.Errorf("%s.metricsQuery: %w", place, err)
	}
	pattern := r.Name.Matches
	if pattern == "" {
		pattern = ".*"
	}
	if r.matches, err = regexp.Compile(pattern); err != nil {
		return fmt.Errorf("%s.name.matches: %w", place, err)
	}
	if r.Name.As == "" {
		switch r.matches.NumSubexp() {
		case 0:
			r.Name.As = "$0"
		case 1:
			r.Name.As = "$1"
		default:
			return fmt.Errorf("%s.name.as: required beside several groups in matches", place)
		}
	}
	for i, f := range r.SeriesFilters {
		if _, err := regexp.Compile(f.Is + f.IsNot); err != nil {
			return fmt.Errorf("%s.seriesFilters[%d]: %w", place, i, err)
		}
	}
	return nil
}

// seriesName finds the name of the series that a rule reads, in its seriesQuery.
var seriesName = regexp.MustCompile(`^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)|__name__\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`)

// serves says whether the rule can read a series of a name.
func (r *adapterRule) serves(series string) bool {
	for _, m := range seriesName.FindAllStringSubmatch(r.SeriesQuery, -1) {
		value := strings.ReplaceAll(m[3], `\\`, `\`)
		pattern, err := regexp.Compile("^(?:" + value + ")$")
		switch {
		case m[1] != "" && m[1] != series, m[2] == "=" && value != series, m[2] == "!=" && value == series,
			m[2] == "=~" && (err != nil || !pattern.MatchString(series)), m[2] == "!~" && (err != nil || pattern.MatchString(series)):
			return false
		}
	}
	for _, f := range r.SeriesFilters {
		if f.Is != "" && !regexp.MustCompile(f.Is).MatchString(series) || f.IsNot != "" && regexp.MustCompile(f.IsNot).MatchString(series) {
			return false
		}
	}
	return true
}

// reference finds the group of the pattern in the name that the API shows.
var reference = regexp.MustCompile(`\$(?:\{\w+\}|\w+)`)

// named are the series that the rule names.
func (r *adapterRule) named() []string {
	var names []string
	for _, m := range seriesName.FindAllStringSubmatch(r.SeriesQuery, -1) {
		if m[1] != "" {
			names = append(names, m[1])
		} else if m[2] == "=" {
			names = append(names, m[3])
		}
	}
	return names
}

// inverted are the series that the rule would show under a name, as far as its pattern
// can be turned round.
func (r *adapterRule) inverted(name string) []string {
	refs := reference.FindAllStringIndex(r.Name.As, -1)
	if len(refs) != 1 {
		return nil
	}
	before, after := r.Name.As[:refs[0][0]], r.Name.As[refs[0][1]:]
	if len(name) < len(before)+len(after) || !strings.HasPrefix(name, before) || !strings.HasSuffix(name, after) {
		return nil
	}
	text := name[len(before) : len(name)-len(after)]
	if r.Name.As[refs[0][0]:refs[0][1]] == "$0" {
		return []string{text}
	}
	if series, ok := filled(r.matches.String(), text); ok {
		return []string{series}
	}
	return nil
}

// series is that of some which the rule shows under a name; false if it shows none so.
func (r *adapterRule) series(name string, candidates []string) (string, bool) {
	for _, series := range candidates {
		if at := r.matches.FindStringSubmatchIndex(series); at != nil && r.serves(series) && string(r.matches.ExpandString(nil, r.Name.As, series, at)) == name {
			return series, true
		}
	}
	return "", false
}

// filled is a pattern of literals and one group, with a text in the group's place.
func filled(pattern, text string) (string, bool) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	parts := []*syntax.Regexp{parsed}
	if parsed.Op == syntax.OpConcat {
		parts = parsed.Sub
	}
	var b strings.Builder
	for _, part := range parts {
		switch part.Op {
		case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpEmptyMatch:
		case syntax.OpLiteral:
			b.WriteString(string(part.Rune))
		case syntax.OpCapture:
			b.WriteString(text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// label is the label that the rule has for a resource, empty if it has none.
func (r *adapterRule) label(resource string) string {
	resource = strings.ToLower(resource)
	found := ""
	for label, o := range r.Resources.Overrides {
		named := strings.ToLower(o.Resource)
		if (named == resource || named == resource+"s" || named == resource+"es") && (found == "" || label < found) {
			found = label
		}
	}
	if found != "" || r.Resources.Template == "" {
		return found
	}
	t, err := template.New("").Delims("<<", ">>").Parse(r.Resources.Template)
	if err != nil {
		return ""
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]string{"Group": "", "Resource": resource}); err != nil {
		return ""
	}
	return b.String()
}

// ruled is the query by which prometheus-adapter serves a metric of a type (pods,
// object, external), summed as the HPA or a total needs it; empty if no rule does.
func (c *converter) ruled(kind, name string, labels, selected []matcher, resource string, path *field.Path) (query string, err error) {
	if c.options.AdapterRules == nil {
		return "", nil
	}
	rules := c.options.AdapterRules.custom
	if kind == "external" {
		rules = c.options.AdapterRules.external
	}
	r, series := serving(rules, name)
	if r == nil {
		return "", nil
	}
	query, err = r.render(series, kind, c.namespace, labels, selected, resource)
	if err == nil && c.options.Parse != nil {
		_, err = c.options.Parse(query)
	}
	if err != nil {
		return "", c.invalid(path, "prometheus-adapter's %s serves %s: %w", r.place, name, err)
	}
	c.changed(path, "the query is that of prometheus-adapter's %s: %s", r.place, query)
	if c.options.Ruled != nil {
		c.options.Ruled(c.namespace+"/"+c.name+"/"+selector(name, selected...), query)
	}
	return query, nil
}

// serving is the first rule that shows a series under a name: of those that name their
// series, else of those that take any of a pattern.
func serving(rules []adapterRule, name string) (r *adapterRule, series string) {
	for i := range rules {
		if series, ok := rules[i].series(name, rules[i].named()); ok {
			return &rules[i], series
		}
	}
	for i := range rules {
		if series, ok := rules[i].series(name, rules[i].inverted(name)); ok {
			return &rules[i], series
		}
	}
	return nil, ""
}

// render is a rule's query for objects: labels say of the resources namespace and pod,
// or the one described, which they are.
func (r *adapterRule) render(series, kind, namespace string, labels, selected []matcher, resource string) (string, error) {
	matchers, group := append([]matcher{}, selected...), ""
	if kind == "external" {
		labels = []matcher{{"namespace", "=", namespace}}
		if r.Resources.Namespaced != nil && !*r.Resources.Namespaced {
			labels = nil
		}
	}
	for _, m := range labels {
		label := r.label(m.label)
		if label == "" {
			return "", fmt.Errorf("its resources name no label for %s", m.label)
		}
		matchers = append(matchers, matcher{label, m.op, m.value})
		if m.label == resource {
			group = label
		}
	}
	values, texts := map[string]string{}, make([]string, 0, len(matchers))
	for _, m := range matchers {
		values[m.label] = m.value
		texts = append(texts, strings.Trim(selector("", m), "{}"))
	}
	var b strings.Builder
	err := r.query.Execute(&b, map[string]any{
		"Series": series, "LabelMatchers": strings.Join(texts, ","), "LabelValuesByName": values, "GroupBy": group, "GroupBySlice": strings.Fields(group),
	})
	if err != nil {
		return "", fmt.Errorf("its metricsQuery: %w", err)
	}
	if b.Len() == 0 {
		return "", errors.New("its metricsQuery is empty")
	}
	return "sum(" + strings.TrimSpace(b.String()) + ")", nil
}
