package cycle

import (
	"errors"
	"strings"
	"unicode"

	"github.com/karpenter-sim/karpenter/engine/observation"
)

// maxSentenceBytes bounds what a condition takes over of a server's words.
const maxSentenceBytes = 400

// Sentence returns what an adapter's error says to people: what is likely wrong,
// and the cure, on one bounded line. It is empty where the code says it all. An
// adapter says it by a method Sentence, and only what stays the same from slot to
// slot, without secrets: it goes into conditions and events, and never into a
// record.
func Sentence(err error) string {
	var explained interface{ Sentence() string }
	if !errors.As(err, &explained) {
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(explained.Sentence(), "?"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxSentenceBytes {
		text = strings.ToValidUTF8(text[:maxSentenceBytes], "") + "..."
	}
	return text
}

// explain appends the sentence of an error to a text, or what the code means where
// nobody has said more.
func explain(text, sentence string, code observation.Code) string {
	if sentence == "" {
		sentence = code.Meaning()
	}
	if sentence == "" {
		return text
	}
	return text + ": " + sentence
}
