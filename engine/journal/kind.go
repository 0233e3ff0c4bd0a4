package journal

import "strings"

// kinds lists the kinds that decide, with kubectl's short names for them.
var kinds = []struct{ kind, short string }{
	{HorizontalAutoscaler, "ha"},
	{MetricsProducer, "mp"},
	{ScalableNodeGroup, "sng"},
}

// KindOf is the kind that decides that a word means, as kubectl takes it: in the
// singular, the plural or as its short name, in any case. It is empty for any other
// word.
func KindOf(word string) string {
	lower := strings.ToLower(word)
	for _, k := range kinds {
		if singular := strings.ToLower(k.kind); lower == k.short || lower == singular || lower == singular+"s" {
			return k.kind
		}
	}
	return ""
}

// ShortName is kubectl's short name for a kind that decides; empty for others.
func ShortName(kind string) string {
	for _, k := range kinds {
		if k.kind == kind {
			return k.short
		}
	}
	return ""
}
