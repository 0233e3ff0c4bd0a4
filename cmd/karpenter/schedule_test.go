package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const scheduleManifest = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec:
  scheduleSpec:
    timezone: America/Los_Angeles
    defaultReplicas: 1
    behaviors:
    - {replicas: 2, start: {weekdays: Fri, hours: "17"}, end: {weekdays: Mon, hours: "9"}}
    - {replicas: 6, start: {weekdays: "Mon,Tue,Wed,Thu,Fri", hours: "9"}, end: {weekdays: "Mon,Tue,Wed,Thu,Fri", hours: "17"}}
    - {replicas: 4, start: {weekdays: "Mon,Tue,Wed,Thu,Fri", hours: "17"}, end: {weekdays: "Mon,Tue,Wed,Thu,Fri", hours: "9"}}
`

// TestSchedule prints v0.1's example over the weekend on which summer time
// begins: hours are those of the wall clock on both sides of it.
func TestSchedule(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mp.yaml")
	if err := os.WriteFile(path, []byte(scheduleManifest), 0o644); err != nil {
		t.Fatal(err)
	}
	cron := filepath.Join(t.TempDir(), "so.yaml")
	if err := os.WriteFile(cron, []byte(`apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs, namespace: shop}
spec:
  scaleTargetRef: {name: jobs}
  triggers:
  - {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * 1-5, end: 0 18 * * 1-5, desiredReplicas: "5"}}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		args   []string
		code   int
		want   string
	}{
		"Weekend": {"the value at the start and every change", []string{"schedule", "-f", path, "--from", "2026-03-06 12:00", "--to", "2026-03-09 18:00"}, exitOK,
			`PRODUCER       AT                              REPLICAS
default/hours  2026-03-06T12:00:00-08:00  Fri  6
default/hours  2026-03-06T17:00:00-08:00  Fri  2
default/hours  2026-03-09T09:00:00-07:00  Mon  6
default/hours  2026-03-09T17:00:00-07:00  Mon  4
`},
		"Cron": {"a cron trigger is a schedule", []string{"schedule", "-f", cron, "--from", "2026-03-06 12:00", "--to", "2026-03-09 12:00"}, exitOK,
			`PRODUCER   AT                              REPLICAS
shop/jobs  2026-03-06T12:00:00+01:00  Fri  5
shop/jobs  2026-03-06T18:00:00+01:00  Fri  0
shop/jobs  2026-03-09T08:00:00+01:00  Mon  5
`},
		"Backwards": {"an empty time is a mistake", []string{"schedule", "-f", path, "--from", "2026-03-06", "--to", "2026-03-01"}, exitInvalid, "--to 2026-03-01 00:00:00 PST lies before --from"},
		"Ever":      {"a year that nobody means", []string{"schedule", "-f", path, "--from", "2026-03-06", "--to", "9999-01-01"}, exitInvalid, "want times from 1970 to 2200"},
		"Never":     {"nor this one", []string{"schedule", "-f", path, "--from", "0001-01-01"}, exitInvalid, "want times from 1970 to 2200"},
		"Nothing":   {"nothing to show is one too", []string{"schedule"}, exitInvalid, "no manifests"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
			code := a.run(context.Background(), c.args)
			if got := stdout.String() + stderr.String(); code != c.code || !strings.Contains(got, c.want) {
				t.Errorf("%s: exit code %d\n%s\nwant %d\n%s", c.reason, code, got, c.code, c.want)
			}
		})
	}
}

// TestScheduleAgo holds that a duration is before now, not before a week from now.
func TestScheduleAgo(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "mp.yaml", scheduleManifest)
	got := call(t, "", "schedule", "-f", "mp.yaml", "--from", "-1h", "-o", "json")
	got.want(t, exitOK, "")
	var values []scheduledValue
	if err := json.Unmarshal([]byte(got.stdout), &values); err != nil {
		t.Fatal(err)
	}
	if at, err := time.Parse(time.RFC3339, values[0].At); err != nil || !at.Before(time.Now()) {
		t.Errorf("--from -1h begins at %s, %v", values[0].At, err)
	}
}
