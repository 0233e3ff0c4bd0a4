package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Digest is the form in which states and policies are named: the first 128 bits
// of the SHA-256, in hex.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Append appends the record's line, with newline, sealed: r.Chain stands in it
// and its digest closes it. It returns the digest in hex as well.
func Append(b []byte, r *Record) ([]byte, string) {
	start := len(b)
	b = appendBody(b, r)
	// The digest covers the line without its own key.
	sum := sha256.Sum256(append(b[start:], '}'))
	b = append(b, `,"digest":"`...)
	at := len(b)
	b = hex.AppendEncode(b, sum[:])
	digest := string(b[at:])
	return append(b, '"', '}', '\n'), digest
}

// appendBody appends the line up to, not including, its digest and closing brace.
func appendBody(b []byte, r *Record) []byte {
	b = appendHead(b, r.Kind, r.Object, r.Slot, r.Generation)
	b = appendText(b, `,"policy":`, r.Policy)
	if r.Bodies && r.PolicyBody != "" {
		b = append(append(b, `,"policyBody":`...), r.PolicyBody...)
	}
	if r.Kind == HorizontalAutoscaler {
		b = appendDecision(b, r)
	} else {
		b = appendFields(b, `,"observed":`, r.Observed)
		if r.Command != nil {
			b = appendInt(b, `,"command":`, int64(*r.Command))
		}
		if r.Value != nil {
			b = appendFields(b, `,"value":`, r.Value)
		}
		b = appendText(b, `,"reason":`, string(r.Reason))
	}
	if r.DryRun {
		b = append(b, `,"dryRun":true`...)
	}
	if r.Paused != (autoscaler.Pause{}) {
		b = appendPause(b, &r.Paused)
	}
	b = appendText(b, `,"prev":`, r.Prev)
	b = appendText(b, `,"state":`, r.State)
	if r.Bodies {
		b = appendText(b, `,"stateBody":`, r.StateBody)
	}
	if r.Missed > 0 {
		b = appendInt(b, `,"missed":`, r.Missed)
	}
	return appendText(b, `,"chain":`, r.Chain)
}

func appendHead(b []byte, kind string, o Object, s slot.Slot, generation int64) []byte {
	b = append(b, `{"v":1`...)
	b = appendText(b, `,"kind":`, kind)
	b = appendText(b, `,"namespace":`, o.Namespace)
	b = appendText(b, `,"name":`, o.Name)
	if generation > 0 {
		b = appendInt(b, `,"generation":`, generation)
	}
	return appendSlot(b, `,"slot":`, s)
}

func appendDecision(b []byte, r *Record) []byte {
	if r.Policy != "" { // an invalid spec names nothing to observe
		b = appendScale(b, &r.Scale)
	}
	b = append(b, `,"metrics":[`...)
	for i := range r.Metrics {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMetric(b, &r.Metrics[i], r.Known)
	}
	b = append(b, ']')
	if r.Recommending {
		b = appendInt(b, `,"recommended":`, int64(r.Recommended))
	}
	if r.Known {
		b = appendInt(b, `,"stabilized":`, int64(r.Stabilized))
		b = appendInt(b, `,"limited":`, int64(r.Limited))
		b = appendInt(b, `,"desired":`, int64(r.Desired))
	}
	b = appendText(b, `,"reason":`, string(r.Reason))
	if r.LimitedBy.Stage != "" {
		b = appendLimit(b, &r.LimitedBy)
	}
	return b
}

func appendScale(b []byte, s *autoscaler.Scale) []byte {
	b = append(b, `,"scale":{`...)
	if s.Code != observation.OK {
		return append(appendText(b, `"error":`, string(s.Code)), '}')
	}
	b = appendInt(b, `"spec":`, int64(s.Spec))
	b = appendInt(b, `,"status":`, int64(s.Status))
	if s.Counted {
		b = appendInt(b, `,"ready":`, int64(s.Ready))
		if s.Fewer > 0 {
			b = appendInt(b, `,"readyLeast":`, int64(s.Ready-s.Fewer))
		}
		if s.More > 0 {
			b = appendInt(b, `,"readyMost":`, int64(s.Ready+s.More))
		}
	}
	return append(b, '}')
}

func appendMetric(b []byte, m *Metric, known bool) []byte {
	b = appendText(b, `{"query":`, m.Query)
	if m.Source != "" {
		b = appendText(b, `,"source":`, m.Source)
	}
	b = appendSlot(b, `,"at":`, m.At)
	if m.Code != observation.OK {
		b = appendText(b, `,"error":`, string(m.Code))
		if measured(m) {
			b = appendFloat(b, `,"value":`, m.Value)
		}
		if m.Fallback {
			b = appendInt(append(b, `,"fallback":true`...), `,"recommendation":`, int64(m.Recommendation))
		}
		return append(b, '}')
	}
	b = appendFloat(b, `,"value":`, m.Value)
	if known {
		b = appendInt(b, `,"recommendation":`, int64(m.Recommendation))
	}
	return append(b, '}')
}

// measured says whether a number was read although it could not be used, and
// JSON can hold it.
func measured(m *Metric) bool {
	switch m.Code {
	case observation.Negative, observation.OutOfRange, observation.NoReplicas:
		return !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0)
	}
	return false
}

func appendLimit(b []byte, l *behavior.Limit) []byte {
	b = appendText(b, `,"limitedBy":{"stage":`, string(l.Stage))
	b = appendText(b, `,"direction":`, string(l.Direction))
	if l.Policy >= 0 {
		b = appendInt(b, `,"policy":`, int64(l.Policy))
		b = appendInt(b, `,"used":`, int64(l.Used))
		b = appendInt(b, `,"left":`, int64(l.Left))
	}
	if l.Until != 0 {
		b = appendSlot(b, `,"until":`, l.Until)
	}
	return append(b, '}')
}

func appendPause(b []byte, p *autoscaler.Pause) []byte {
	b = append(b, `,"paused":{`...)
	first := len(b)
	for _, f := range [...]struct {
		set  bool
		text string
	}{{p.Down, `,"scaleIn":true`}, {p.Up, `,"scaleOut":true`}, {p.Unreadable, `,"unreadable":true`}} {
		if f.set {
			b = append(b, f.text...)
		}
	}
	if p.Fixed {
		b = appendInt(b, `,"replicas":`, int64(p.Replicas))
	}
	if p.Until != 0 {
		b = appendSlot(b, `,"until":`, p.Until)
	}
	if len(b) > first {
		b = append(b[:first], b[first+1:]...) // the first has no comma
	}
	return append(b, '}')
}

func appendFields(b []byte, key string, fields []Field) []byte {
	b = append(append(b, key...), '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.Name), ':')
		if f.Code != observation.OK {
			b = appendString(b, string(f.Code))
		} else {
			b = strconv.AppendFloat(b, f.Value, 'g', -1, 64)
		}
	}
	return append(b, '}')
}

// AppendOutcome appends the line of an outcome, with newline.
func AppendOutcome(b []byte, o *Outcome) []byte {
	b = appendHead(b, OutcomeKind, o.Object, o.Slot, 0)
	b = appendText(b, `,"of":`, o.Object.Kind)
	b = appendText(b, `,"result":`, o.Result)
	if o.At != 0 {
		b = append(b, `,"at":"`...)
		b = time.UnixMilli(o.At).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
		b = append(b, '"')
		b = appendInt(b, `,"latenessMilliseconds":`, o.Lateness)
	}
	return append(b, '}', '\n')
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

// appendFloat writes the shortest form that reads back as the same float64.
func appendFloat(b []byte, key string, f float64) []byte {
	return strconv.AppendFloat(append(b, key...), f, 'g', -1, 64)
}

func appendSlot(b []byte, key string, s slot.Slot) []byte {
	b = append(append(b, key...), '"')
	return append(s.Time().AppendFormat(b, time.RFC3339), '"')
}

func appendText(b []byte, key, text string) []byte {
	return appendString(append(b, key...), text)
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}
