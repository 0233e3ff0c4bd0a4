// Package escape makes text of others harmless where it is shown. There is one
// function for each destination. Control characters and those that turn the
// direction of text become visible escapes everywhere: they could rewrite a
// terminal's screen, or show something else than what is there.
package escape

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Inline is text as part of a line.
func Inline(text string) string { return visible(text, false) }

// Lines is text of any number of lines, for a terminal or a file.
func Lines(text string) string { return visible(text, true) }

// excerptLength is the length of an Excerpt, in bytes.
const excerptLength = 512

// Excerpt is one line of at most 512 bytes of what a server said, for logs, events
// and conditions.
func Excerpt(text string) string {
	text = Inline(strings.Join(strings.Fields(text), " "))
	if len(text) <= excerptLength {
		return text
	}
	cut := excerptLength - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

// Document is a whole text file or page, such as HTML or XML whose syntax has been
// taken care of.
func Document(text []byte) []byte {
	if clean(text, true) {
		return text
	}
	return []byte(visible(string(text), true))
}

// Markdown is text as part of a line of Markdown: no markup of its own, no HTML, and
// no mention of anybody.
func Markdown(text string) string {
	return markdown.Replace(Inline(strings.Join(strings.Fields(text), " ")))
}

// A comment parts an @ from a name, which entities would not: they are resolved
// before names are looked for.
var markdown = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `*`, `\*`, `_`, `\_`, "`", "\\`", `~`, `\~`,
	`&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`, `[`, `\[`, `]`, `\]`, `#`, `\#`, `@`, `@<!-- -->`)

// JSON is a JSON document with the same values, in which strings hold no character
// that a terminal or a log could take for a command.
func JSON(text []byte) []byte {
	if clean(text, true) && !bytes.Contains(text, []byte("##[")) {
		return text
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case bytes.HasPrefix(text, []byte("##[")):
			b.WriteString(`#\u0023[`)
			size = 3
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\ufffd`)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.Write(text[:size])
		}
		text = text[size:]
	}
	return b.Bytes()
}

// Harmless says whether text needs no escape anywhere in a log.
func Harmless(text []byte) bool {
	if !clean(text, true) || bytes.Contains(text, []byte("##[")) {
		return false
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("::")) {
			return false
		}
	}
	return true
}

// hidden says whether a character is shown as an escape. Line ends and tabs are
// for the caller to allow.
func hidden(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return r != '\n' && r != '\t'
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	}
	return r == 0x2028 || r == 0x2029 // line ends for some
}

// clean says whether visible would change nothing.
func clean(text []byte, lines bool) bool {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < 0x7f || lines && (c == '\n' || c == '\t') {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if c < 0x20 || r == utf8.RuneError && size == 1 || hidden(r) {
			return false
		}
		i += size
	}
	return true
}

func visible(text string, lines bool) string {
	if clean([]byte(text), lines) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' && !lines:
			b.WriteString(`\n`)
		case r == '\t' && !lines:
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !hidden(r):
			b.WriteString(text[i : i+size])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}
