package recording

import (
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzOpen feeds broken text to every reader of text: it is refused in one line
// that names the file, or it streams in order.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"ts,a\n1,1\n2,NaN\n", "time,a b\n2026-01-05 08:00:00,1\n", "a 1 1\nb{x=\"y\"} 2 2 # {t=\"z\"} 1 1\n# EOF\n",
		`{"status":"success","data":{"result":[{"metric":{"__name__":"q"},"values":[[1,"1"],[2,"NaN"]]}]}}`, "",
	} {
		for format := range 3 {
			f.Add(format, seed)
		}
	}
	f.Fuzz(func(t *testing.T, format int, text string) {
		formats := []Format{CSV, OpenMetrics, JSON}
		spec := Spec{Path: filepath.Join(t.TempDir(), "in"), Format: formats[uint(format)%3]}
		if err := os.WriteFile(spec.Path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Open(context.Background(), spec, func() (string, error) { return t.TempDir(), nil })
		if err != nil {
			if !strings.HasPrefix(err.Error(), spec.Path+":") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q", err)
			}
			return
		}
		defer r.Close()
		feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		defer feed.Close()
		for last := int64(math.MinInt64); ; {
			s, err := feed.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.T < last {
				t.Fatalf("%d after %d", s.T, last)
			}
			last = s.T
		}
	})
}
