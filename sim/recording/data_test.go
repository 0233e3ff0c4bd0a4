package recording

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLongCSV reads fourteen days as public data sets have them: times without a
// zone, values of any shape, and rows that are missing here and there.
func TestLongCSV(t *testing.T) {
	first := time.Date(2014, 4, 10, 0, 4, 0, 0, time.UTC)
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	rows := int64(0)
	for i := range 4048 {
		if i%506 >= 504 {
			continue // eight gaps of ten minutes
		}
		value := math.Round(1000*(60+50*math.Sin(2*math.Pi*float64(i)/288)+float64(i*i%97))) / 1000
		fmt.Fprintf(&b, "%s,%v\n", first.Add(time.Duration(i)*5*time.Minute).Format(time.DateTime), value)
		rows++
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	r := open(t, Spec{Path: path})
	info := r.Info()
	if info.Samples != rows || info.First != first.UnixMilli() || info.MedianSpacing != 5*time.Minute {
		t.Errorf("%d samples, first %s, spacing %v; want %d, %s, 5m", info.Samples, time.UnixMilli(info.First).UTC(), info.MedianSpacing, rows, first)
	}
	if got := int64(len(all(t, r))); got != rows {
		t.Errorf("%d samples streamed, want %d", got, rows)
	}
}
