package policy

import (
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// A checkedField is one field of a pattern with what the CRD admits in it.
type checkedField struct {
	listField
	admits *regexp.Regexp
}

// checkedFields reads the admitted texts from the CRD itself.
func checkedFields(t testing.TB) []checkedField {
	t.Helper()
	definitions, err := v1alpha1.CRDs()
	if err != nil {
		t.Fatal(err)
	}
	var fields []checkedField
	for _, definition := range definitions {
		if definition.Spec.Names.Kind != "MetricsProducer" {
			continue
		}
		spec := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		start := spec.Properties["scheduleSpec"].Properties["behaviors"].Items.Schema.Properties["start"]
		for _, f := range []listField{minuteField, hourField, dayField, monthField, weekdayField} {
			rule := start.Properties[f.name].XValidations[0].Rule
			expression := strings.TrimSuffix(strings.TrimPrefix(rule, "self.matches('"), "')")
			fields = append(fields, checkedField{f, regexp.MustCompile(expression)})
		}
	}
	if len(fields) != 5 {
		t.Fatalf("the CRD has %d fields of a pattern, want 5", len(fields))
	}
	return fields
}

// agree compares what compiles with what is admitted.
func (f checkedField) agree(t interface{ Errorf(string, ...any) }, text string) {
	c := compiler{}
	values := c.list(f.listField, &text, field.NewPath("start"))
	admitted := f.admits.MatchString(text) && len(text) <= MaxPatternBytes
	if compiled := c.errs == nil; compiled != admitted {
		t.Errorf("%s %q: compiles: %t, admitted: %t", f.name, text, compiled, admitted)
	}
	for _, value := range values {
		if value < f.low || value > f.high || f.name == "weekdays" && value == 7 {
			t.Errorf("%s %q: compiled to %v", f.name, text, values)
		}
	}
}

// What the API server admits compiles, and nothing else: v0.1 admitted what
// then failed at every slot.
func TestCompilesWhatIsAdmitted(t *testing.T) {
	fields := checkedFields(t)
	item := rapid.OneOf(
		rapid.StringMatching(` {0,2}[0-9]{1,3} {0,2}`),
		rapid.SampledFrom([]string{"", " ", "jan", "Feb", "MARCH", "sept", "sunday", "Thurs", "thu", "Wednesday", "*", "*/2", "1-5", "+1", "-1", "1.0", "0x1", "٣", "may ", "ſun", "\t1"}))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(item, 1, 5).Draw(t, "items"), ",")
		for _, f := range fields {
			f.agree(t, text)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, text := range []string{"0,30", " 9 ,17", "Mon,tuesday,7", "February,12", "31", ",", "1,", "00", "007", "ſun"} {
		f.Add(text)
	}
	fields := checkedFields(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, checked := range fields {
			checked.agree(t, text)
		}
	})
}
