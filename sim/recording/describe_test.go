package recording

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDescribe describes as many series as are wanted, the first by their labels, and
// counts the rest.
func TestDescribe(t *testing.T) {
	t.Parallel()
	metrics := `# TYPE jobs gauge
jobs{queue="c"} 5 60
jobs{queue="c"} 7 120
jobs{queue="a"} 1 60
jobs{queue="a"} 2 120
jobs{queue="a"} 3 180
jobs{queue="b"} 4 60
# EOF
`
	columns := "time,c,a,b\n1970-01-01 00:01:00,5,1,4\n1970-01-01 00:02:00,7,2,\n1970-01-01 00:03:00,,3,\n"
	type series struct {
		Name     string
		Samples  int64
		Min, Max float64
	}
	tests := map[string]struct {
		reason     string
		file, text string
		labels     Labels
		most       int
		want       []series
		more       int
		samples    int64
	}{
		"All":     {"no more than are wanted", "m.om", metrics, nil, 3, []series{{`jobs{queue="a"}`, 3, 1, 3}, {`jobs{queue="b"}`, 1, 4, 4}, {`jobs{queue="c"}`, 2, 5, 7}}, 0, 6},
		"First":   {"the others are counted, with their samples", "m.om", metrics, nil, 1, []series{{`jobs{queue="a"}`, 3, 1, 3}}, 2, 6},
		"None":    {"only counted", "m.om", metrics, nil, 0, nil, 3, 6},
		"Label":   {"series with another label are not seen", "m.om", metrics, Labels{"queue": "c"}, 3, []series{{`jobs{queue="c"}`, 2, 5, 7}}, 0, 2},
		"Columns": {"a table's too, sorted as series are", "t.csv", columns, nil, 2, []series{{"a", 3, 1, 3}, {"b", 1, 4, 4}}, 1, 6},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tc.file)
			if err := os.WriteFile(path, []byte(tc.text), 0o644); err != nil {
				t.Fatal(err)
			}
			held, err := open(t, Spec{Path: path, Labels: tc.labels}).Describe(context.Background(), tc.most)
			if err != nil {
				t.Fatal(err)
			}
			var got []series
			for i := range held.Series {
				d := &held.Series[i]
				got = append(got, series{strings.ReplaceAll(d.Name(), `", `, `",`), d.Samples, d.Min, d.Max})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s:\n%s", tc.reason, diff)
			}
			if held.More != tc.more || held.Samples != tc.samples {
				t.Errorf("%s: %d more and %d samples, want %d and %d", tc.reason, held.More, held.Samples, tc.more, tc.samples)
			}
		})
	}
}
