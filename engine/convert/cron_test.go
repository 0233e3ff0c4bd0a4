package convert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// line is the cron expression that a pattern stands for.
func line(p v1alpha1.Pattern) string {
	return strings.Join([]string{
		or(p.Minutes, "0"), or(p.Hours, "0"), or(p.Days, "*"), or(p.Months, "*"), or(p.Weekdays, "*"),
	}, " ")
}

func TestCron(t *testing.T) {
	tests := map[string]struct{ reason, expression, want string }{
		"Plain":      {"numbers stay", "30 7 1 6 5", "30 7 1 6 5"},
		"Stars":      {"every minute and hour must be listed, every day is the absence of a list", "0 * * * ?", "0 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23 * * *"},
		"Range":      {"ranges become lists", "0 9-11 * * mon-FRI", "0 9,10,11 * * 1,2,3,4,5"},
		"Steps":      {"steps become lists", "*/20 1-9/4 5/10 * *", "0,20,40 1,5,9 5,15,25 * *"},
		"StepOne":    {"a star with step 1 is a star", "0 0 */1 * 1", "0 0 * * 1"},
		"StepHuge":   {"a step beyond the range leaves its start", "3/9223372036854775807 0 * * *", "3 0 * * *"},
		"Lists":      {"lists are sorted without duplicates", "45,15,15 0 1,1-3 dec,Jan *", "15,45 0 1,2,3 1,12 *"},
		"StarInList": {"a star in a list is the whole field", "0 0 1,* * 2", "0 0 * * 2"},
		"EveryDay":   {"all weekdays by number are not a star: with days of the month, either decides", "0 0 1 * 0-6", "0 0 1 * 0,1,2,3,4,5,6"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newConverter("ScaledObject", metav1.ObjectMeta{Name: "web"}, Options{})
			pattern, err := c.cron(tc.expression, field.NewPath("start"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, line(pattern)); diff != "" {
				t.Errorf("%s\ncron(%q): -want, +got:\n%s", tc.reason, tc.expression, diff)
			}
		})
	}
}

// TestCronMeansTheSame compares with the parser that KEDA uses.
func TestCronMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		for _, f := range cronFields {
			texts = append(texts, fieldText(t, f))
		}
		expression := strings.Join(texts, " ")
		want, wantErr := cron.ParseStandard(expression)
		c := newConverter("ScaledObject", metav1.ObjectMeta{Name: "web"}, Options{})
		pattern, err := c.cron(expression, field.NewPath("start"))
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("cron(%q): error %v, KEDA's parser has %v", expression, err, wantErr)
		}
		if err != nil {
			return
		}
		got, err := cron.ParseStandard(line(pattern))
		if err != nil {
			t.Fatalf("cron(%q) = %q: %v", expression, line(pattern), err)
		}
		if diff := cmp.Diff(instants(want), instants(got)); diff != "" {
			t.Fatalf("cron(%q) = %q: -want, +got:\n%s", expression, line(pattern), diff)
		}
	})
}

// instants are the bits that decide when a schedule fires: of the stars only
// those of the days matter.
func instants(s cron.Schedule) [5]uint64 {
	const star = 1 << 63
	spec := s.(*cron.SpecSchedule)
	return [5]uint64{spec.Minute &^ star, spec.Hour &^ star, spec.Dom, spec.Month &^ star, spec.Dow}
}

// fieldText draws a field, now and then an invalid one.
func fieldText(t *rapid.T, f cronField) string {
	value := rapid.Custom(func(t *rapid.T) string {
		n := rapid.IntRange(f.min, f.max).Draw(t, "value")
		if len(f.names) > 0 && rapid.Bool().Draw(t, "named") {
			return f.names[n-f.min]
		}
		return fmt.Sprint(n)
	})
	part := rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"*", "?", "value", "value", "range", "99"}).Draw(t, "form")
		switch text {
		case "value":
			text = value.Draw(t, "low")
		case "range":
			text = value.Draw(t, "low") + "-" + value.Draw(t, "high")
		}
		if rapid.Bool().Draw(t, "stepped") {
			text += fmt.Sprintf("/%d", rapid.IntRange(1, 70).Draw(t, "step"))
		}
		return text
	})
	return strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, f.name), ",")
}
