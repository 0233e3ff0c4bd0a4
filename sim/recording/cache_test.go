package recording

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a cache opens is what a recording opened by itself is, however often and by
// however many at once; the file is read once.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"a.csv": "time,Requests per s,b\n1764201600,1,\n1764201615,,5\n1764201630,3,6\n",
		"a.om":  "# TYPE a gauge\na{x=\"1\"} 1 1764201600\na{x=\"1\"} 2 1764201615\n# EOF\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		spec := Spec{Path: path, Scale: 2}
		alone, err := Open(context.Background(), spec, func() (string, error) { return t.TempDir(), nil })
		if err != nil {
			t.Fatal(err)
		}
		defer alone.Close()
		want := samplesOf(t, alone)
		cache := NewCache(t.TempDir())
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				r, err := cache.Open(context.Background(), spec, func() (string, error) { panic("the cache has a directory") })
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if diff := cmp.Diff(alone.Info(), r.Info()); diff != "" {
					t.Errorf("%s, opening %d: %s", name, i, diff)
				}
				if diff := cmp.Diff(want, samplesOf(t, r)); diff != "" {
					t.Errorf("%s, opening %d: %s", name, i, diff)
				}
			})
		}
		group.Wait()
		if len(cache.kept) != 1 {
			t.Errorf("%s: %d conversions", name, len(cache.kept))
		}
		// Read in another way it is another recording.
		if name == "a.csv" {
			spec.Series = map[string]string{"b": "other"}
			r, err := cache.Open(context.Background(), spec, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if samples := samplesOf(t, r); !slices.ContainsFunc(samples, func(s string) bool { return s == `{__name__="other"} 1764201615000 10` }) {
				t.Errorf("the series is not renamed: %v", samples)
			}
		}
	}
}

// samplesOf are all samples of a recording as text, sorted.
func samplesOf(t *testing.T, r *Recording) []string {
	t.Helper()
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer feed.Close()
	var list []string
	err = eachSample(feed, func(s sampleOf) error {
		list = append(list, fmt.Sprintf("%s %d %v", s.labels, s.T, s.F))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	slices.Sort(list)
	return list
}
