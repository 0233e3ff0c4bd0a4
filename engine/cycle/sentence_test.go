package cycle

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

type spoken string

func (s spoken) Error() string    { return "detail that nobody must see: token=x" }
func (s spoken) Sentence() string { return string(s) }
func (s spoken) Unwrap() error    { return ErrNotFound }

func TestSentence(t *testing.T) {
	cases := map[string]struct {
		reason string
		err    error
		want   string
	}{
		"None":    {"an error that says nothing to people has its code", errors.New("dial tcp 10.0.0.1:40312: refused"), ""},
		"Nil":     {"no error says nothing", nil, ""},
		"Wrapped": {"what an adapter says is found", fmt.Errorf("get: %w", spoken("no Deployment wbe in shop")), "no Deployment wbe in shop"},
		"OneLine": {"a condition is one line", spoken("first\n\tsecond\x1b[31m"), "first second [31m"},
		"Bounded": {"and not longer than people read", spoken(strings.Repeat("x", 1000)), strings.Repeat("x", maxSentenceBytes) + "..."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Sentence(c.err); got != c.want {
				t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
			}
		})
	}
}

// TestCauseInWords holds that conditions have the sentence, and records the code.
func TestCauseInWords(t *testing.T) {
	w := newCluster(t)
	w.before = func(call string) error {
		if call == "Get" {
			return spoken("no Deployment wbe in shop")
		}
		return nil
	}
	w.at(w.driver(), 0)
	if got, want := w.condition(v1alpha1.ReadyCondition), "False TargetUnavailable: Deployment web: NotFound: no Deployment wbe in shop"; got != want {
		t.Errorf("Ready is %q, want %q", got, want)
	}
	if code := w.last().Scale.Code; code != "NotFound" {
		t.Errorf("the record has %q", code)
	}
}
