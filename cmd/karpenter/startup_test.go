package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReplayStartsAsRecordedPodsDid replays a load that doubles every half an hour
// over pods of which every other one waited four minutes for a node: the report
// says what is assumed and tells the wait from the boot, and what was written gives
// the same bytes.
func TestReplayStartsAsRecordedPodsDid(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", onRate(15))
	recorded := openMetrics("rps", 3*time.Hour, func(at time.Duration) float64 {
		if at%(30*time.Minute) < 10*time.Minute {
			return 400
		}
		return 1600
	})
	for _, metric := range []string{"kube_pod_created", "kube_pod_status_scheduled_time", "kube_pod_status_ready_time"} {
		recorded += fmt.Sprintf("# TYPE %s gauge\n", metric)
		for i := range 10 {
			created := monday.Add(time.Duration(i) * time.Minute)
			scheduled := created.Add(time.Duration(i%2) * 4 * time.Minute)
			at := map[string]time.Time{"kube_pod_created": created, "kube_pod_status_scheduled_time": scheduled}[metric]
			if at.IsZero() {
				at = scheduled.Add(30 * time.Second)
			}
			recorded += fmt.Sprintf("%s{namespace=\"default\",pod=\"web-5d8f7c9b46-%d%[2]d%[2]d%[2]d%[2]d\"} %d %[3]d\n", metric, i, at.Unix())
		}
	}
	write(t, "rec.om", recorded+"# EOF\n")
	call(t, "", "replay", "-f", "ha.yaml", "--recording", "rec.om", "--ready-after", "recorded", "--out", "out").want(t, exitOK, "")
	const assumed = "new replicas of web are ready after 30s to 4m30s (median 30s), each after the time that one of 10 recorded pods took; 5 of them waited for a node, up to 4m"
	if text := read(t, "out/web/report.json"); !strings.Contains(text, assumed) {
		t.Errorf("the report does not say %q", assumed)
	}
	byCause := map[string]float64{}
	for _, b := range told(t, "out/web").Columns[0].Objects[0].Causes {
		byCause[b.Cause] += b.Seconds
	}
	if byCause["no node"] < 4*byCause["start-up"] || byCause["start-up"] <= 0 {
		t.Errorf("pods waited 4 min and booted 30 s, but the time lost is given to %v", byCause)
	}
	call(t, "", "simulate", "out/web/scenario.yaml", "--out", "again").want(t, exitOK, "")
	for _, file := range []string{"report.json", "scenario.yaml", "decisions.jsonl"} {
		if read(t, filepath.Join("out/web", file)) != read(t, filepath.Join("again/web", file)) {
			t.Errorf("%s differs", file)
		}
	}
	for name, c := range map[string]struct{ flag, want string }{
		"default": {"", "new replicas of web are ready after 30s; 10 recorded pods took 30s to 4m30s, 30s at the median"},
		"fixed":   {"2m", "new replicas of web are ready after 2m; 10 recorded pods took 30s to 4m30s, 30s at the median"},
	} {
		args := []string{"replay", "-f", "ha.yaml", "--recording", "rec.om", "--out", name}
		if c.flag != "" {
			args = append(args, "--ready-after", c.flag)
		}
		call(t, "", args...).want(t, exitOK, "")
		if text := read(t, name+"/web/report.json"); !strings.Contains(text, c.want) {
			t.Errorf("%s: the report does not say %q", name, c.want)
		}
	}
	write(t, "bare.om", openMetrics("rps", time.Hour, func(time.Duration) float64 { return 400 })+"# EOF\n")
	call(t, "", "replay", "-f", "ha.yaml", "--recording", "bare.om", "--ready-after", "recorded", "--out", "none").
		want(t, exitInvalid, "--ready-after recorded: default/Deployment/web is to start as its recorded pods did, and the recording has no pod of it")
}
