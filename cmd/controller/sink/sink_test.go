package sink

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// start is 2026-01-05T08:00:00Z.
var start = time.Unix(1767600000, 0)

func options(t *testing.T) Options {
	return Options{
		Directory: t.TempDir(), Identity: "pod-1", MaxBytes: 1 << 30, Retention: 24 * time.Hour, Queue: 1000,
		Clock: clocktesting.NewFakePassiveClock(start), Log: logr.Discard(), Registry: prometheus.NewRegistry(),
	}
}

// record is one of an object whose spec is invalid, which any file verifies.
func record(i int) *journal.Record {
	empty := journal.Digest(nil)
	return &journal.Record{
		Object:     journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "default", Name: fmt.Sprintf("ha-%d", i%3)},
		Generation: 1, Slot: slot.At(start) + slot.Slot(i), Reason: autoscaler.InvalidPolicy,
		Prev: empty, State: empty,
	}
}

// names are the files in the directory without the hidden ones.
func names(t *testing.T, directory string) []string {
	t.Helper()
	found, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Name())
	}
	return names
}

// verified is how many records of a file the engine decides again.
func verified(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(content)
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	found, err := journal.Verify(r, path)
	if err != nil || found.Torn || found.Gaps > 0 || found.Verified != found.Records {
		t.Fatalf("%s: %+v, %v", path, found, err)
	}
	return found.Verified
}

// directory opens the directory of a sink, to write to it step by step.
func directory(t *testing.T, o Options) *files {
	t.Helper()
	m, err := newMetrics(o.Registry)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openFiles(o, m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func outcome(i int) *journal.Outcome {
	return &journal.Outcome{Object: record(i).Object, Slot: record(i).Slot, Result: "Applied", At: start.UnixMilli()}
}

func TestFilesStandAlone(t *testing.T) {
	o := options(t)
	clock := o.Clock.(*clocktesting.FakePassiveClock)
	d := directory(t, o)
	const each = 20
	for hour := range 3 {
		for i := range each {
			d.write(entry{record: record(hour*each + i)})
			d.flush(i%7 == 0)
			d.write(entry{outcome: outcome(hour*each + i)})
		}
		clock.SetTime(clock.Now().Add(maxAge))
		d.write(entry{outcome: outcome(each)}) // never begins a file
	}
	d.close()
	want := []string{
		"decisions-20260105T080000Z-pod-1-0001.jsonl.gz",
		"decisions-20260105T090000Z-pod-1-0002.jsonl.gz",
		"decisions-20260105T100000Z-pod-1-0003.jsonl.gz",
	}
	if diff := cmp.Diff(want, names(t, o.Directory)); diff != "" {
		t.Fatal(diff)
	}
	for _, name := range want {
		if n := verified(t, filepath.Join(o.Directory, name)); n != each {
			t.Errorf("%s: %d records, want %d", name, n, each)
		}
	}
}

func TestKilled(t *testing.T) {
	o := options(t)
	killed := directory(t, o)
	for i := range 10 {
		killed.write(entry{record: record(i)})
		killed.flush(true)
	}
	killed.write(entry{record: record(10)}) // not flushed
	file := "decisions-20260105T080000Z-pod-1-0001.jsonl"
	if n := verified(t, filepath.Join(o.Directory, file)); n != 10 {
		t.Errorf("%d records before the kill, want 10", n)
	}

	o.Registry = prometheus.NewRegistry()
	beside := directory(t, o)
	beside.compressing.Wait()
	if diff := cmp.Diff([]string{file}, names(t, o.Directory)); diff != "" {
		t.Errorf("a file in use: %s", diff)
	}
	killed.file.Close() // as the kernel does

	o.Registry = prometheus.NewRegistry()
	next := directory(t, o)
	next.write(entry{record: record(11)})
	next.flush(true)
	next.compressing.Wait()
	want := []string{file + ".gz", "decisions-20260105T080000Z-pod-1-0002.jsonl"}
	if diff := cmp.Diff(want, names(t, o.Directory)); diff != "" {
		t.Errorf("after the restart: %s", diff)
	}
	for i, name := range want {
		if n := verified(t, filepath.Join(o.Directory, name)); n != []int{10, 1}[i] {
			t.Errorf("%s: %d records", name, n)
		}
	}
}

func TestExpires(t *testing.T) {
	o := options(t)
	o.MaxBytes = 2500
	write := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(o.Directory, name)
		if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, start.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	write("decisions-1-pod-2-0001.jsonl.gz", 25*time.Hour)
	write("decisions-2-pod-2-0002.jsonl.gz", 3*time.Hour)
	write("decisions-3-pod-2-0003.jsonl.gz", 2*time.Hour)
	write("decisions-4-pod-2-0004.jsonl", time.Hour)
	write("notes.txt", 1000*time.Hour)
	directory(t, o).close()
	want := []string{"decisions-3-pod-2-0003.jsonl.gz", "decisions-4-pod-2-0004.jsonl", "notes.txt"}
	if diff := cmp.Diff(want, names(t, o.Directory)); diff != "" {
		t.Error(diff)
	}
}

func TestFailingDisk(t *testing.T) {
	o := options(t)
	clock := o.Clock.(*clocktesting.FakePassiveClock)
	d := directory(t, o)
	d.write(entry{record: record(0)})
	d.flush(true)
	d.file.Close() // every further write fails
	d.write(entry{record: record(1)})
	d.flush(true)
	d.write(entry{record: record(2)}) // too early to try again
	clock.SetTime(clock.Now().Add(retry))
	d.write(entry{record: record(3)})
	d.close()
	if got := testutil.ToFloat64(d.metrics.dropped); got != 2 {
		t.Errorf("%v lines dropped, want 2", got)
	}
	for i, name := range names(t, o.Directory) {
		if n := verified(t, filepath.Join(o.Directory, name)); n != 1 || i > 1 {
			t.Errorf("%s: %d records", name, n)
		}
	}
}

func TestRefusesDirectory(t *testing.T) {
	o := options(t)
	o.Directory = filepath.Join(o.Directory, "file")
	if err := os.WriteFile(o.Directory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "journal directory") {
		t.Errorf("got %v", err)
	}
}

// A blocked writer blocks until it is released.
type blocked struct {
	entered, release chan struct{}
	bytes.Buffer
}

func (b *blocked) Write(p []byte) (int, error) {
	b.entered <- struct{}{}
	<-b.release
	return b.Buffer.Write(p)
}

func TestNeverBlocks(t *testing.T) {
	o := options(t)
	out := &blocked{entered: make(chan struct{}, 100), release: make(chan struct{})}
	o.Stdout, o.Queue = out, 5
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := record(0)
	s.Record(r)
	<-out.entered
	for i := range 8 {
		*r = *record(1 + i) // the sink must not keep it
		r.Metrics = []journal.Metric{{Query: "up", Code: observation.Empty}}
		s.Record(r)
	}
	r.Metrics[0].Query = "changed"
	close(out.release)
	s.Close()
	s.Record(r) // comes too late
	if got := testutil.ToFloat64(s.metrics.dropped); got != 4 {
		t.Errorf("%v lines dropped, want 4", got)
	}
	if got := out.String(); strings.Count(got, "\n") != 6 || strings.Contains(got, "changed") {
		t.Errorf("written:\n%s", got)
	}
	for _, name := range names(t, o.Directory) {
		if !strings.HasSuffix(name, ".gz") {
			t.Errorf("%s was left", name)
		}
	}
}

// TestDropped has the queue full while one object's records arrive. Its next
// record must let a reader see the gap and go on.
func TestDropped(t *testing.T) {
	o := options(t)
	out := &blocked{entered: make(chan struct{}, 100), release: make(chan struct{})}
	o.Stdout, o.Queue = out, 2
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Record(record(0)) // ha-0
	<-out.entered
	s.Record(record(3))
	s.Record(record(6)) // the queue is full
	s.Record(record(9)) // dropped
	s.Record(record(1)) // ha-1's first, dropped
	close(out.release)
	for len(s.entries) > 0 {
		runtime.Gosched()
	}
	s.Record(record(12))
	s.Record(record(4))
	s.Close()
	if got := testutil.ToFloat64(s.metrics.dropped); got != 2 {
		t.Errorf("%v lines dropped, want 2", got)
	}
	var carried []bool
	for line := range strings.Lines(out.String()) {
		carried = append(carried, strings.Contains(line, `"stateBody"`))
	}
	if diff := cmp.Diff([]bool{true, false, false, true, true}, carried); diff != "" {
		t.Errorf("which lines carry the state (-want +got):\n%s", diff)
	}
	found, err := journal.Verify(strings.NewReader(out.String()), "stdout")
	if diff := cmp.Diff(journal.Verification{Records: 5, Verified: 5, Gaps: 1}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestRepeats has readers of stdout come in when the log was rotated.
func TestRepeats(t *testing.T) {
	o := options(t)
	clock := o.Clock.(*clocktesting.FakePassiveClock)
	var out bytes.Buffer
	s := &Sink{options: o, stdout: newStream(&out), repeated: clock.Now()}
	for i := range 5 {
		if i == 2 {
			clock.SetTime(clock.Now().Add(maxAge))
		}
		s.write(entry{record: record(i * 3)}, true)
	}
	lines := strings.SplitAfter(out.String(), "\n")
	found, err := journal.Verify(strings.NewReader(strings.Join(lines, "")), "stdout")
	if diff := cmp.Diff(journal.Verification{Records: 5, Verified: 5}, found); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	found, err = journal.Verify(strings.NewReader(strings.Join(lines[1:], "")), "stdout")
	if diff := cmp.Diff(journal.Verification{Records: 4, Verified: 2, Unverifiable: 2, Gaps: 1}, found); err != nil || diff != "" {
		t.Errorf("without the first line: %v (-want +got):\n%s", err, diff)
	}
}

// A full writer takes so many bytes, and then no more until it is given room.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(f.room, len(p))
	f.room -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// TestStreamFails cuts the stream at every byte of its first lines: what comes
// after must be whole lines that verify.
func TestStreamFails(t *testing.T) {
	whole := &full{room: 1 << 20}
	s := newStream(whole)
	for i := range 3 {
		s.add(entry{record: record(i * 3)})
	}
	if _, _, err := s.flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(whole.String(), "\n")
	for room := range whole.Len() {
		out := &full{room: room}
		s := newStream(out)
		for i := range 3 {
			s.add(entry{record: record(i * 3)})
		}
		_, lost, err := s.flush()
		if err == nil {
			t.Fatalf("room %d: no error", room)
		}
		out.room = 1 << 20
		s.add(entry{record: record(9)})
		if _, _, err := s.flush(); err != nil {
			t.Fatal(err)
		}
		found, err := journal.Verify(strings.NewReader(out.String()), "stdout")
		kept, at := 0, 0 // lines of which at least a byte was written
		for ; at < room; kept++ {
			at += len(lines[kept])
		}
		want := journal.Verification{Records: kept + 1, Verified: kept + 1}
		if kept > 0 {
			want.Gaps = 1
		}
		if diff := cmp.Diff(want, found); err != nil || diff != "" || lost != 3-kept {
			t.Fatalf("room %d: %d lost, %v (-want +got):\n%s", room, lost, err, diff)
		}
	}
}
