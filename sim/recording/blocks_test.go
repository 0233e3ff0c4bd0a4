package recording

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"pgregory.net/rapid"
)

// A given sample of a test's block.
type given struct {
	series string
	t      int64
	f      float64
	h      *histogram.Histogram
}

func writeBlock(tb testing.TB, dir string, samples ...given) string {
	tb.Helper()
	b := newBuilder()
	for _, g := range samples {
		l, err := parseSeries(g.series)
		if err != nil {
			tb.Fatal(err)
		}
		if err := b.add(b.series(l), builtSample{t: g.t, f: g.f, h: g.h}); err != nil {
			tb.Fatal(err)
		}
	}
	block, err := b.write(context.Background(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	return block
}

// regular makes n samples of a series, counting up from 0.
func regular(series string, from, step int64, n int) []given {
	var samples []given
	for i := range n {
		samples = append(samples, given{series: series, t: from + int64(i)*step, f: float64(i)})
	}
	return samples
}

// snapshotOf lists every file of a directory with its content.
func snapshotOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			files[path] = "directory"
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestBlocksStreamInOrder(t *testing.T) {
	dir := t.TempDir()
	const hour = int64(3_600_000)
	writeBlock(t, dir, append(regular(`up{job="b"}`, 0, 15_000, 500), regular(`up{job="a"}`, 5_000, 15_000, 500)...)...)
	// Overlaps the first one: equal samples come once.
	writeBlock(t, dir, regular(`up{job="b"}`, 0, 15_000, 600)...)
	// After a gap that no block covers, with a series of its own.
	writeBlock(t, dir, append(regular(`up{job="b"}`, 1000*hour, 15_000, 3), regular(`late`, 1000*hour, 15_000, 2)...)...)
	before := snapshotOf(t, dir)

	r := open(t, Spec{Path: dir})
	got := all(t, r)
	if len(got) != 500+600+3+2 {
		t.Errorf("%d samples", len(got))
	}
	info := r.Info()
	if info.Format != TSDB || info.First != 0 || info.Last != 1000*hour+30_000 || info.MedianSpacing != 15*time.Second {
		t.Errorf("info %+v", info)
	}
	feed, err := r.Feed(selector(t, "late", `up{job="b"}`), 599*15_000, 1000*hour+15_000)
	if err != nil {
		t.Fatal(err)
	}
	want := []point{
		{`{__name__="up", job="b"}`, 599 * 15_000, 599},
		{`{__name__="late"}`, 1000 * hour, 0},
		{`{__name__="up", job="b"}`, 1000 * hour, 0},
		{`{__name__="late"}`, 1000*hour + 15_000, 1},
		{`{__name__="up", job="b"}`, 1000*hour + 15_000, 1},
	}
	if diff := cmp.Diff(want, drain(t, feed)); diff != "" {
		t.Errorf("selected (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, snapshotOf(t, dir)); diff != "" {
		t.Errorf("the user's directory changed (-before +after):\n%s", diff)
	}
}

// TestBlockFeedEqualsSort compares the merge of slices with sorting everything.
func TestBlockFeedEqualsSort(t *testing.T) {
	steps := []int64{1, 15_000, 15_000, 60_000, 1000, sliceMin / 3}
	var samples []given
	for s := range 4 {
		at := int64(s-2) * sliceMin
		for i := range 200 + 50*s {
			samples = append(samples, given{series: string(rune('a' + s)), t: at, f: float64(i)})
			at += steps[(i*i+s)%len(steps)]
		}
	}
	blocks, err := openBlocks(writeBlock(t, t.TempDir(), samples...))
	if err != nil {
		t.Fatal(err)
	}
	defer blocks.close()
	sort.SliceStable(samples, func(i, j int) bool {
		return samples[i].t < samples[j].t || samples[i].t == samples[j].t && samples[i].series < samples[j].series
	})
	first, last := samples[0].t, samples[len(samples)-1].t
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.Int64Range(first-1, last).Draw(rt, "from")
		to := rapid.Int64Range(from, last+1).Draw(rt, "to")
		var want []point
		for _, g := range samples {
			if from <= g.t && g.t <= to {
				want = append(want, point{`{__name__="` + g.series + `"}`, g.t, g.f})
			}
		}
		feed, err := blocks.feed(nil, from, to)
		if err != nil {
			rt.Fatal(err)
		}
		feed.(*blockFeed).slice = rapid.Int64Range(1_000_000, 3*sliceMin).Draw(rt, "slice")
		if diff := cmp.Diff(want, drain(t, feed)); diff != "" {
			rt.Fatalf("(-sorted +streamed):\n%s", diff)
		}
	})
}

func TestStaleMarkersAndHistogramsSurvive(t *testing.T) {
	h := tsdbutil.GenerateTestHistogram(3)
	block := writeBlock(t, t.TempDir(),
		given{series: "gauge", t: 1000, f: 1},
		given{series: "gauge", t: 2000, f: math.Float64frombits(value.StaleNaN)},
		given{series: "latency", t: 1000, h: h},
		given{series: "latency", t: 2000, f: math.Float64frombits(value.StaleNaN)},
	)
	r := open(t, Spec{Path: block, Scale: 2})
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var got []sampleOf
	if err := eachSample(feed, func(s sampleOf) error { got = append(got, s); return nil }); err != nil {
		t.Fatal(err)
	}
	want := h.ToFloat(nil)
	want.Mul(2)
	switch {
	case len(got) != 4:
		t.Fatalf("%d samples", len(got))
	case got[0].F != 2:
		t.Errorf("gauge %v, want 2", got[0].F)
	case got[1].H == nil || !got[1].H.Equals(want):
		t.Errorf("histogram %v, want %v", got[1].H, want)
	case !value.IsStaleNaN(got[2].F) || !value.IsStaleNaN(got[3].F):
		t.Errorf("stale markers %x %x", math.Float64bits(got[2].F), math.Float64bits(got[3].F))
	}
}

func TestFeedsLeftOpenDoNotBlockClose(t *testing.T) {
	r, err := Open(context.Background(), Spec{Path: writeBlock(t, t.TempDir(), regular("a", 0, 1000, 10)...)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := r.Feed(nil, 0, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEqualSamplesMakeEqualBlocks(t *testing.T) {
	first := writeBlock(t, t.TempDir(), regular("a", 0, 1000, 300)...)
	second := writeBlock(t, t.TempDir(), regular("a", 0, 1000, 300)...)
	for _, name := range []string{"meta.json", "index", "chunks/000001"} {
		a, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestBlockErrors(t *testing.T) {
	tests := map[string]struct {
		reason string
		spoil  func(dir, block string) error
		want   string
	}{
		"Empty": {
			reason: "a directory without blocks",
			spoil:  func(_, block string) error { return os.RemoveAll(block) },
			want:   "no blocks in this directory; a block has a meta.json, a snapshot has blocks",
		},
		"DataDirectory": {
			reason: "the directory above the snapshots",
			spoil: func(dir, block string) error {
				if err := os.Mkdir(filepath.Join(dir, "snapshots"), 0o755); err != nil {
					return err
				}
				return os.RemoveAll(block)
			},
			want: "no blocks in this directory; give one of the directories in",
		},
		"Log": {
			reason: "the newest samples are in a log only",
			spoil: func(dir, _ string) error {
				if err := os.Mkdir(filepath.Join(dir, "wal"), 0o755); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(dir, "wal", "00000000"), []byte("x"), 0o644)
			},
			want: "wal: a write-ahead log cannot be read; take a snapshot (POST /api/v1/admin/tsdb/snapshot, with --web.enable-admin-api) and give its directory",
		},
		"Meta": {
			reason: "a meta.json cut short",
			spoil: func(_, block string) error {
				return os.WriteFile(filepath.Join(block, "meta.json"), []byte("{"), 0o644)
			},
			want: "damaged block: unexpected end of JSON input; copy it again, or leave it out",
		},
		"Index": {
			reason: "an index cut short",
			spoil:  func(_, block string) error { return os.Truncate(filepath.Join(block, "index"), 40) },
			want:   "damaged block:",
		},
		"NoIndex": {
			reason: "an index that is not there",
			spoil:  func(_, block string) error { return os.Remove(filepath.Join(block, "index")) },
			want:   "damaged block:",
		},
		"Chunk": {
			reason: "a chunk with a flipped bit",
			spoil: func(_, block string) error {
				path := filepath.Join(block, "chunks", "000001")
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				content[20] ^= 0xff
				return os.WriteFile(path, content, 0o644)
			},
			want: "checksum mismatch",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			block := writeBlock(t, dir, regular("a", 0, 1000, 100)...)
			if err := tc.spoil(dir, block); err != nil {
				t.Fatal(err)
			}
			got := openError(t, Spec{Path: dir})
			if !strings.Contains(got, tc.want) || strings.Contains(got, "\n") {
				t.Errorf("%s: %s\nwant: %s", tc.reason, got, tc.want)
			}
		})
	}
}

func TestEmptyLogIsNoLog(t *testing.T) {
	dir := t.TempDir()
	writeBlock(t, dir, regular("a", 0, 1000, 2)...)
	if err := os.Mkdir(filepath.Join(dir, "wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := len(all(t, open(t, Spec{Path: dir}))); got != 2 {
		t.Errorf("%d samples", got)
	}
}

func TestCutChunkSegmentIsAnErrorWhileStreaming(t *testing.T) {
	block := writeBlock(t, t.TempDir(), regular("a", 0, 1000, 1000)...)
	path := filepath.Join(block, "chunks", "000001")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-10); err != nil {
		t.Fatal(err)
	}
	r := open(t, Spec{Path: block})
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	err = eachSample(feed, func(sampleOf) error { return nil })
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), block+": reading blocks: ") {
		t.Errorf("error %v", err)
	}
}

func TestOpenIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, text := range map[string]string{
		"in.csv":  "ts,a\n1,1\n",
		"in.om":   "a 1 1\n# EOF\n",
		"in.json": `{"result":[{"metric":{"__name__":"q"},"value":[10,"5"]}]}`,
	} {
		_, err := Open(ctx, Spec{Path: write(t, name, text)}, func() (string, error) { return t.TempDir(), nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSparseBlocksNeedFewSlices(t *testing.T) {
	// Milliseconds taken for seconds: a thousand times as long as it was.
	r := open(t, Spec{Path: writeBlock(t, t.TempDir(), regular("a", 0, 15_000_000, 100)...)})
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	slices, last := 0, int64(math.MinInt64)
	defer feed.Close()
	if err := eachSample(feed, func(sampleOf) error {
		if next := feed.(*blockFeed).next; next != last {
			slices, last = slices+1, next
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if slices > 10 {
		t.Errorf("%d slices", slices)
	}
}
