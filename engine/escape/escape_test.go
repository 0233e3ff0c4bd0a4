package escape

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDestinations(t *testing.T) {
	cases := map[string]struct{ reason, text, inline, lines, markdown string }{
		"Plain":     {"text stays as it is", "queue é 日本 😀", "queue é 日本 😀", "queue é 日本 😀", "queue é 日本 😀"},
		"Lines":     {"a line end is one only among lines", "a\n\tb", `a\n\tb`, "a\n\tb", "a b"},
		"Escape":    {"no sequence reaches a terminal", "\x1b[2Ja\u009b2J\x7f\b\r", `\x1b[2Ja\u009b2J\x7f\x08\r`, `\x1b[2Ja\u009b2J\x7f\x08\r`, `\\x1b\[2Ja\\u009b2J\\x7f\\x08`},
		"Direction": {"text runs as it is stored", "a\u202eb\u2066c\u200f", `a\u202eb\u2066c\u200f`, `a\u202eb\u2066c\u200f`, `a\\u202eb\\u2066c\\u200f`},
		"Separator": {"other line ends are none", "a\u2028b\u0085c", `a\u2028b\u0085c`, `a\u2028b\u0085c`, `a b c`},
		"Invalid":   {"bytes that are no text", "a\xffb", `a\xffb`, `a\xffb`, `a\\xffb`},
		"Mention":   {"nobody is called", "@octocat and &#64;octocat", "@octocat and &#64;octocat", "@octocat and &#64;octocat", `@<!-- -->octocat and &amp;\#64;octocat`},
		"Markup":    {"no markup of its own", "<b>[x](y)*_`|#1~", "<b>[x](y)*_`|#1~", "<b>[x](y)*_`|#1~", "&lt;b&gt;\\[x\\](y)\\*\\_\\`\\|\\#1\\~"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for what, pair := range map[string][2]string{"inline": {c.inline, Inline(c.text)}, "lines": {c.lines, Lines(c.text)}, "markdown": {c.markdown, Markdown(c.text)}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("%s, %s (-want +got):\n%s", c.reason, what, diff)
				}
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	for text, want := range map[string]string{
		"a\n b\x1b":                        `a b\x1b`,
		strings.Repeat("x", 512):           strings.Repeat("x", 512),
		strings.Repeat("x", 513):           strings.Repeat("x", 509) + "...",
		strings.Repeat("é", 300):           strings.Repeat("é", 254) + "...",
		strings.Repeat("line\n", 1_000_00): strings.Repeat("line ", 101) + "line...",
	} {
		if got := Excerpt(text); got != want {
			t.Errorf("%.20q...: got %q, want %q", text, got, want)
		}
	}
}

// JSON keeps its values.
func TestJSONKeepsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringOf(rapid.SampledFrom([]rune("a#[:\u202e\u0085\u2028\x7f\n\t\"\\é😀"))).Draw(t, "text")
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		escaped := JSON(text)
		var got string
		if err := json.Unmarshal(escaped, &got); err != nil || got != want {
			t.Fatalf("%q became %s, %q, %v", want, escaped, got, err)
		}
		if !Harmless(escaped) {
			t.Fatalf("%s is not harmless", escaped)
		}
	})
}

// In whatever pieces text comes, no line of a log is a command, nothing else is
// changed, and the log says the same.
func TestLogHasNoCommands(t *testing.T) {
	pieces := []string{":", "::", "#", "##[", "[", " ", "\t", "\n", "error", "::error::x", "é", "\xc3", "\x1b", "\u202e", "a"}
	rapid.Check(t, func(t *rapid.T) {
		var got, whole bytes.Buffer
		log, once := NewLog(&got, true), NewLog(&whole, true)
		list := rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 20).Draw(t, "pieces")
		for _, p := range list {
			if n, err := log.Write([]byte(p)); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		}
		once.Write([]byte(strings.Join(list, "")))
		log.Close()
		once.Close()
		if got.String() != whole.String() {
			t.Fatalf("%q in pieces is %q, as a whole %q", list, got.String(), whole.String())
		}
		if !Harmless(got.Bytes()) {
			t.Fatalf("%q became %q", list, got.String())
		}
	})
	for text, want := range map[string]string{
		"a: b\n":                 "a: b\n",
		"  ::error ::x\na::b\n":  "  \\::error ::x\na::b\n",
		"x ##[error]y ##z\n":     "x ##\\[error]y ##z\n",
		"###[error]\n#\n#[x]\n":  "###\\[error]\n#\n#[x]\n",
		":one\n":                 "\\:one\n",
		"karpenter: ::error::\n": "karpenter: ::error::\n",
	} {
		var b bytes.Buffer
		NewLog(&b, true).Write([]byte(text))
		if b.String() != want {
			t.Errorf("%q became %q, want %q", text, b.String(), want)
		}
		b.Reset()
		NewLog(&b, false).Write([]byte(text))
		if b.String() != text {
			t.Errorf("outside of workflows %q became %q", text, b.String())
		}
	}
}
