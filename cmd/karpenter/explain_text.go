package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/karpenter-sim/karpenter/engine/explain"
)

// textWidth is the width, in characters, that text is wrapped to.
const textWidth = 80

// text is the explanation for people.
func (e *explanation) text(clock wallClock) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s:%d, generation %d\n\n", e.title, e.File, e.Line, e.Generation)
	head := e.Reason
	if e.Desired != nil {
		head = fmt.Sprintf("%s, %s", counted(int(*e.Desired), "replica"), e.Reason)
	}
	if e.Why != "" {
		head += ": " + e.Why
	}
	b.WriteString(wrapped(head, "", textWidth) + "\n")
	const indent = "                     "
	for _, s := range e.Steps {
		value := ""
		if s.Value != nil {
			value = fmt.Sprint(*s.Value)
		}
		first := fmt.Sprintf("  %-11s %5s  ", s.Name, value)
		b.WriteString(first + strings.TrimPrefix(wrapped(s.Text, indent, textWidth), indent))
		for _, more := range s.More {
			b.WriteString(wrapped(more, indent, textWidth))
		}
	}
	if len(e.Window) > 0 {
		b.WriteString("\nRecommendations that the windows saw\n")
		for _, entry := range newest(e.Window, &b) {
			fmt.Fprintf(&b, "  %s to %s  %5d\n", clock.short(entry.first), clock.short(entry.last), entry.Replicas)
		}
	}
	if len(e.Events) > 0 {
		b.WriteString("\nScale events that the rate limits saw\n")
		for _, event := range newest(e.Events, &b) {
			fmt.Fprintf(&b, "  %s  %+d\n", clock.short(event.at), event.Delta)
		}
	}
	for _, o := range e.Outcomes {
		b.WriteString("\n" + wrapped(o.text(), "", textWidth))
	}
	for _, note := range e.Notes {
		b.WriteString("\n" + wrapped("Note: "+note, "", textWidth))
	}
	return b.String()
}

func (o *outcome) text() string {
	text := "What came of it: " + explain.Outcome(o.Result)
	if o.At != "" {
		text += fmt.Sprintf(", at %s, %d ms after the slot", o.At, o.Lateness)
	}
	return text
}

// newest are the last entries of a list; how many are left out is said.
func newest[T any](list []T, b *strings.Builder) []T {
	const shown = 12
	if len(list) <= shown {
		return list
	}
	fmt.Fprintf(b, "  ... %d earlier\n", len(list)-shown)
	return list[len(list)-shown:]
}

// wrapped breaks text into indented lines; a word that is too long is cut.
func wrapped(text, indent string, width int) string {
	room := max(width-utf8.RuneCountInString(indent), 20)
	var b strings.Builder
	line := ""
	flush := func() {
		b.WriteString(indent + line + "\n")
		line = ""
	}
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			flush()
		}
		for utf8.RuneCountInString(word) > room {
			runes := []rune(word)
			line = string(runes[:room])
			flush()
			word = string(runes[room:])
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" || text == "" {
		flush()
	}
	return b.String()
}
