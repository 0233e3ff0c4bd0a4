package main

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestSeldom(t *testing.T) {
	var lines []string
	clock := clocktesting.NewFakePassiveClock(time.Unix(1767600000, 0))
	s := &seldom{clock: clock, log: funcr.New(func(_, args string) { lines = append(lines, args[strings.Index(args, `"msg"`):]) }, funcr.Options{})}
	for range 3 {
		s.say("failed", "error", "no")
	}
	clock.SetTime(clock.Now().Add(quiet))
	s.say("failed", "error", "still no")
	want := []string{`"msg"="failed" "error"="no"`, `"msg"="failed" "error"="still no" "omittedSince"=2`}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}
