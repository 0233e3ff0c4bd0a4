package escape

import (
	"io"
	"unicode/utf8"
)

// A Log is a stream of lines to a terminal or a log. With Commands, which a runner
// of GitHub Actions carries out, no line that is written to it is one.
type Log struct {
	w        io.Writer
	commands bool
	// begun says that the line has something else than spaces; hashes counts the
	// # before the next character, up to 2.
	begun  bool
	hashes int
	// rest is the beginning of a character whose end is still to come.
	rest []byte
}

// NewLog returns a Log that writes to w. commands says whether its reader carries
// out workflow commands.
func NewLog(w io.Writer, commands bool) *Log { return &Log{w: w, commands: commands} }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	text := append(l.rest, p...)
	l.rest = nil
	if n := unfinished(text); n > 0 {
		l.rest = append([]byte{}, text[len(text)-n:]...)
		text = text[:len(text)-n]
	}
	text = Document(text)
	if l.commands {
		text = l.disarm(text)
	}
	if _, err := l.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is left.
func (l *Log) Close() error {
	if len(l.rest) == 0 {
		return nil
	}
	_, err := l.w.Write([]byte(Inline(string(l.rest))))
	l.rest = nil
	return err
}

// Unwrap returns what the log writes to.
func (l *Log) Unwrap() io.Writer { return l.w }

// unfinished is the length of a character at the end of which only the beginning is
// there.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// disarm puts a backslash where a command would begin: a line that begins with ::
// and ##[ anywhere.
func (l *Log) disarm(text []byte) []byte {
	var out []byte
	for i, c := range text {
		escaped := false
		switch {
		case c == '\n':
			l.begun = false
		case c == ':' && !l.begun, c == '[' && l.hashes == 2:
			escaped = true
		}
		if escaped && out == nil {
			out = append(make([]byte, 0, len(text)+8), text[:i]...)
		}
		if escaped {
			out = append(out, '\\')
		}
		if out != nil {
			out = append(out, c)
		}
		l.begun = l.begun || c != ' ' && c != '\t' && c != '\n'
		if c == '#' {
			l.hashes = min(l.hashes+1, 2)
		} else {
			l.hashes = 0
		}
	}
	if out == nil {
		return text
	}
	return out
}
