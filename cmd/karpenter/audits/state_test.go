package audits

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/reports/fleet"
)

// A process that is killed loses at most the line that it was writing, and what Prometheus
// did not give is asked for again.
func TestResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	begun := Begun{Command: "karpenter audit", Flags: "f", From: time.Unix(0, 0).UTC(), To: time.Unix(60, 0).UTC()}
	s, err := Begin(dir, begun, map[string][]byte{"shop/hpa/web.yaml": []byte("kind: x\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []fleet.Finding{{Object: "a"}, {Object: "b", Unread: true, Unjudged: "no answer"}} {
		if err := s.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Resume(dir, "f"); err == nil || !strings.Contains(err.Error(), "another process is writing there now") {
		t.Errorf("two processes write there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	findings := filepath.Join(dir, findingsFile)
	text, err := os.ReadFile(findings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(findings, append(text, `{"object":"c","fig`...), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, unfinished := Unfinished(dir); !unfinished || b.Command != begun.Command {
		t.Errorf("unfinished %v, begun by %+v", unfinished, b)
	}
	if _, err := Resume(dir, "g"); err == nil || !strings.Contains(err.Error(), "was begun with other flags: karpenter audit;") {
		t.Errorf("other flags: %v", err)
	}
	if s, err = Resume(dir, "f"); err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string]bool{"a": true, "b": false, "c": false} {
		if _, found := s.Finding(object); found != want {
			t.Errorf("%s is found: %v", object, found)
		}
	}
	if !s.From.Equal(begun.From) || len(s.Manifests()) != 1 || filepath.Base(s.Manifests()[0]) != "web.yaml" {
		t.Errorf("state %+v", s.Begun)
	}
	if err := s.Add(&fleet.Finding{Object: "c"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(&fleet.Audit{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, unfinished := Unfinished(dir); unfinished {
		t.Error("it came to its end")
	}
	if s, err = Resume(dir, "f"); err != nil {
		t.Fatal(err)
	}
	if _, found := s.Finding("c"); !found {
		t.Error("what followed the torn line is lost")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// A new audit takes the place of one that came to its end.
	if s, err = Begin(dir, begun, nil); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, found := s.Finding("a"); found || len(s.Manifests()) != 0 {
		t.Error("the new audit has findings of the old one")
	}
	if _, err := os.Stat(filepath.Join(dir, objects)); !os.IsNotExist(err) {
		t.Errorf("objects of the old audit are left: %v", err)
	}
}

func TestNotOurs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Check(dir); err == nil {
		t.Error("a directory of somebody else's is taken")
	}
	if _, err := Resume(dir, ""); err == nil || err.Error() != "holds no audit to go on with" {
		t.Error(err)
	}
}
