package fake

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

// A groupPlace says where in a rule file a group and its rules are, each as
// line:column.
type groupPlace struct {
	name, place string
	rules       []string
}

// placesOf finds the groups of a rule file. Prometheus' own parser does not
// report them for every error.
func placesOf(content []byte) []groupPlace {
	var file struct {
		Groups []yaml.Node `yaml:"groups"`
	}
	// What is not valid has been reported by the parser.
	_ = yaml.Unmarshal(content, &file)
	var out []groupPlace
	for _, node := range file.Groups {
		var group struct {
			Name  string      `yaml:"name"`
			Rules []yaml.Node `yaml:"rules"`
		}
		_ = node.Decode(&group)
		found := groupPlace{name: group.Name, place: placeOf(node)}
		for _, rule := range group.Rules {
			found.rules = append(found.rules, placeOf(rule))
		}
		out = append(out, found)
	}
	return out
}

func placeOf(n yaml.Node) string { return fmt.Sprintf("%d:%d", n.Line, n.Column) }

var (
	yamlLine = regexp.MustCompile(`line (\d+): (.*)`)
	atPlace  = regexp.MustCompile(`^\d+:\d+: `)
)

// unplaced begins errors for which the parser forgets the place of the group.
const unplaced = "0:0: "

// ruleFileError turns the first of a rule file's errors into one line that
// begins with the place.
func ruleFileError(file string, content []byte, errs []error) error {
	err := errs[0]
	text := err.Error()
	more := ""
	if len(errs) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(errs)-1)
	}
	var inRule *rulefmt.Error
	switch {
	case strings.HasPrefix(text, unplaced):
		return fmt.Errorf("%s:%s: %s%s", file, misnamedGroup(content), strings.TrimPrefix(text, unplaced), more)
	case atPlace.MatchString(text):
		return fmt.Errorf("%s:%w%s", file, err, more)
	case errors.As(err, &inRule):
		return fmt.Errorf("%s:%s: %w%s", file, rulePlace(content, inRule), err, more)
	}
	if found := yamlLine.FindStringSubmatch(text); found != nil {
		return fmt.Errorf("%s:%s: %s%s", file, found[1], found[2], more)
	}
	return fmt.Errorf("%s: %w%s", file, err, more)
}

// misnamedGroup finds the first group without a name of its own.
func misnamedGroup(content []byte) string {
	seen := map[string]bool{"": true}
	for _, group := range placesOf(content) {
		if seen[group.name] {
			return group.place
		}
		seen[group.name] = true
	}
	return "1:1"
}

func rulePlace(content []byte, at *rulefmt.Error) string {
	for _, group := range placesOf(content) {
		if group.name == at.Group && at.Rule <= len(group.rules) {
			return group.rules[at.Rule-1]
		}
	}
	return "1:1"
}
