package recording

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseNumber takes decimal numbers, NaN and Inf, but not Go's hexadecimal ones.
func parseNumber(cell string) (float64, error) {
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("number %s is out of range: %w", quoted(cell), strconv.ErrRange)
	case err != nil, strings.ContainsAny(cell, "xX_"):
		return 0, fmt.Errorf("%s is not a number", quoted(cell))
	}
	return v, nil
}

// isNothing says whether a cell means that there is no value.
func isNothing(cell string) bool {
	if len(cell) > len("undefined") {
		return false
	}
	switch strings.ToLower(cell) {
	case "", "-", "--", "–", "—", "null", "nil", "none", `\n`, "n/a", "#n/a", "#nv", "na", "undefined", "no data", "(null)":
		return true
	}
	return isSheetError(cell)
}

// isSheetError says whether a cell is the error of a spreadsheet's formula, such as
// #DIV/0!, #NAME? or Err:502.
func isSheetError(cell string) bool {
	return cell[0] == '#' && strings.ContainsAny(cell[len(cell)-1:], "!?") || strings.HasPrefix(cell, "Err:")
}

// A unitKind says what a unit measures; of one column all cells have the same.
type unitKind string

const (
	unitless  unitKind = ""
	ofPercent unitKind = "percent"
	ofSeconds unitKind = "seconds"
	ofBytes   unitKind = "bytes"
	ofBits    unitKind = "bits"
)

// A unit is how a number is scaled to the base unit of its kind.
type unit struct {
	kind  unitKind
	scale float64
}

// units lists the words that may follow a number, besides prefixes of counts and words of the
// user's own.
var units = map[string]unit{
	"%":  {ofPercent, 1},
	"ns": {ofSeconds, 1e-9}, "µs": {ofSeconds, 1e-6}, "μs": {ofSeconds, 1e-6}, "us": {ofSeconds, 1e-6}, "ms": {ofSeconds, 1e-3},
	"s": {ofSeconds, 1}, "sec": {ofSeconds, 1}, "secs": {ofSeconds, 1}, "second": {ofSeconds, 1}, "seconds": {ofSeconds, 1},
	"min": {ofSeconds, 60}, "mins": {ofSeconds, 60}, "minute": {ofSeconds, 60}, "minutes": {ofSeconds, 60},
	"h": {ofSeconds, 3600}, "hour": {ofSeconds, 3600}, "hours": {ofSeconds, 3600}, "hr": {ofSeconds, 3600},
	"d": {ofSeconds, 86400}, "day": {ofSeconds, 86400}, "days": {ofSeconds, 86400}, "week": {ofSeconds, 604800}, "weeks": {ofSeconds, 604800},
	"bytes": {ofBytes, 1}, "byte": {ofBytes, 1}, "b": {ofBits, 1}, "bit": {ofBits, 1}, "bits": {ofBits, 1},
	"kB": {ofBytes, 1e3}, "KB": {ofBytes, 1e3}, "MB": {ofBytes, 1e6}, "GB": {ofBytes, 1e9}, "TB": {ofBytes, 1e12}, "PB": {ofBytes, 1e15},
	"KiB": {ofBytes, 1 << 10}, "MiB": {ofBytes, 1 << 20}, "GiB": {ofBytes, 1 << 30}, "TiB": {ofBytes, 1 << 40}, "PiB": {ofBytes, 1 << 50},
	"kb": {ofBits, 1e3}, "Kb": {ofBits, 1e3}, "Mb": {ofBits, 1e6}, "Gb": {ofBits, 1e9}, "Tb": {ofBits, 1e12},
	"Ki": {unitless, 1 << 10}, "Mi": {unitless, 1 << 20}, "Gi": {unitless, 1 << 30}, "Ti": {unitless, 1 << 40},
}

// prefixes maps the prefixes of counts to factors.
var prefixes = map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "Mil": 1e6, "G": 1e9, "Bil": 1e9, "T": 1e12, "Tri": 1e12}

// unitOf reads what follows a number. Rates have the kind and scale of what they count.
func unitOf(text string) (unit, error) {
	if text == "" {
		return unit{unitless, 1}, nil
	}
	if u, ok := units[text]; ok {
		return u, nil
	}
	if scale, ok := prefixes[text]; ok {
		return unit{unitless, scale}, nil
	}
	for _, per := range []string{"/s", "ps", "/sec"} {
		if count, ok := strings.CutSuffix(text, per); ok && count != "" {
			if u, known := units[count]; known && (u.kind == ofBytes || u.kind == ofBits) {
				return unit{u.kind + " a second", u.scale}, nil
			}
			if count == "B" {
				return unit{ofBytes + " a second", 1}, nil
			}
		}
	}
	scale := 1.0
	if prefix, rest, ok := strings.Cut(text, " "); ok && prefixes[prefix] > 0 {
		scale, text = prefixes[prefix], strings.TrimSpace(rest)
	}
	if len(text) > 20 || strings.ContainsAny(text, "0123456789") {
		return unit{}, errors.New("")
	}
	return unit{unitKind(text), scale}, nil
}

// unit reads what follows a number, where the column's other cells may tell what a
// letter means.
func (n *numbers) unit(rest string) (unit, error) {
	switch {
	case rest == "B" && n.billions:
		return unit{unitless, 1e9}, nil
	case rest == "B":
		return unit{ofBytes, 1}, nil
	case rest == "m" && n.kind == ofSeconds:
		return unit{ofSeconds, 60}, nil
	case rest == "m" && n.cores:
		return unit{unitless, 1e-3}, nil
	case rest == "m":
		return unit{}, errors.New("unit m may be minutes or thousandths")
	}
	return unitOf(rest)
}

// splitNumber divides a cell into sign, digits with their separators, and the unit
// behind them or the currency before them. Accountants' parentheses and a sign at the
// end are a minus.
func splitNumber(cell string) (number, rest string) {
	inner, ok := strings.CutPrefix(cell, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	last := len(cell) - 1
	switch {
	case ok && closed && strings.ContainsAny(inner, "0123456789"):
		number, rest = splitNumber(inner)
		return "-" + number, rest
	case last > 0 && cell[last] == '-' && '0' <= cell[last-1] && cell[last-1] <= '9':
		number, rest = splitNumber(cell[:last])
		return "-" + number, rest
	}
	for _, sign := range []string{"", "-", "+", "−"} {
		if amount, ok := strings.CutPrefix(cell, sign); ok {
			if currency := currencyOf(amount); currency != "" {
				number, rest = splitSigned(strings.TrimSpace(sign + strings.TrimLeft(amount[len(currency):], " \u00a0\u202f")))
				if rest != "" {
					return "", "" // a currency and a unit
				}
				return number, strings.TrimSpace(currency)
			}
		}
	}
	return splitSigned(cell)
}

// currencies are the codes that may stand before an amount.
var currencies = []string{"USD", "EUR", "GBP", "CHF", "JPY", "INR", "CNY", "AUD", "CAD", "BRL", "R$", "US$", "A$", "C$", "HK$", "S$"}

// currencyOf is the sign or code of a currency that a text begins with.
func currencyOf(text string) string {
	for _, code := range currencies {
		if strings.HasPrefix(text, code) {
			return code
		}
	}
	if c, size := utf8.DecodeRuneInString(text); unicode.Is(unicode.Sc, c) {
		return text[:size]
	}
	return ""
}

// splitSigned divides a cell that begins with a number.
func splitSigned(cell string) (number, rest string) {
	at := 0
	for _, sign := range []string{"-", "+", "−"} {
		if strings.HasPrefix(cell, sign) {
			at = len(sign)
		}
	}
	for at < len(cell) {
		c, size := utf8.DecodeRuneInString(cell[at:])
		switch {
		case '0' <= c && c <= '9' || c == '.' || c == ',':
		case c == '\'' || c == '’' || c == ' ' || c == '\u00a0' || c == '\u202f':
			if !threeDigits(cell[at+size:]) {
				return cell[:at], strings.TrimSpace(strings.Trim(cell[at:], "\u00a0\u202f"))
			}
		case (c == 'e' || c == 'E') && isExponent(cell[at+1:]):
			return cell, ""
		default:
			return cell[:at], strings.TrimSpace(cell[at:])
		}
		at += size
	}
	return cell, ""
}

// durationOf reads a duration of several units, such as 1m30s or 2 h 5 min, in seconds.
func durationOf(cell string) (float64, bool) {
	seconds, parts := 0.0, 0
	for text := strings.TrimSpace(cell); text != ""; parts++ {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
		v, err := strconv.ParseFloat(text[:digits], 64)
		text = strings.TrimLeft(text[digits:], " ")
		word := len(text) - len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyzµ"))
		u := units[text[:word]]
		if text[:word] == "m" {
			u = unit{ofSeconds, 60}
		}
		if err != nil || u.kind != ofSeconds {
			return 0, false
		}
		seconds += v * u.scale
		text = strings.TrimLeft(text[word:], " ")
		if text == "" {
			return seconds, parts > 0
		}
	}
	return 0, false
}

func isExponent(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// threeDigits says whether a text begins with three digits and no fourth.
func threeDigits(s string) bool {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return n == 3
}

// A marked number is one with commas or dots in it.
type marks struct {
	commas, dots int
	// comma and dot are where the last of each stands.
	comma, dot int
	// grouped says that three digits follow each of them, and one to three go before.
	grouped bool
	// whole says the same of those before the last one, or that they are grouped as in
	// India: three digits at the end, two in each group before.
	whole bool
}

func marksOf(number string) marks {
	number = strings.TrimLeft(number, "+-−")
	exponent := strings.ContainsAny(number, "eE")
	m := marks{comma: -1, dot: -1, grouped: true}
	last := -1
	for i, c := range number {
		if c != ',' && c != '.' {
			continue
		}
		first := last < 0
		if before := i - last - 1; first && (before < 1 || before > 3 || number[0] == '0' && before > 0) || !first && before != 3 {
			m.grouped = false
		}
		last = i
		if c == ',' {
			m.commas, m.comma = m.commas+1, i
		} else {
			m.dots, m.dot = m.dots+1, i
		}
	}
	if last >= 0 && (len(number)-last-1 != 3 || exponent) {
		m.grouped = false
	}
	m.whole = isWhole(number, m)
	return m
}

// isWhole says whether the thousands of a number are divided as anybody divides them.
func isWhole(number string, m marks) bool {
	sep := ","
	switch {
	case m.commas > 0 && m.dots > 0:
		number = number[:max(m.comma, m.dot)]
		if m.comma > m.dot {
			sep = "."
		}
	case m.dots > 0:
		sep = "."
	}
	groups := strings.Split(number, sep)
	first, last := len(groups[0]), len(groups)-1
	three, two := first >= 1 && first <= 3, first >= 1 && first <= 2 && sep == ","
	for i, group := range groups[1:] {
		three = three && len(group) == 3
		two = two && (len(group) == 2 && i+1 < last || len(group) == 3 && i+1 == last)
	}
	return three || two
}

// A decimalMark holds what a number's marks say about which of them is the decimal one.
type decimalMark int

const (
	noMark decimalMark = iota
	pointCertain
	commaCertain
	commaEither // one comma before three digits: thousands, or decimals
	pointEither
	noNumber
)

// decimalOf returns what one number says.
func decimalOf(m marks) decimalMark {
	switch {
	case m.commas == 0 && m.dots == 0:
		return noMark
	case m.commas > 0 && m.dots > 0 && m.comma > m.dot && m.commas == 1 && m.whole:
		return commaCertain
	case m.commas > 0 && m.dots > 0 && m.dot > m.comma && m.dots == 1 && m.whole:
		return pointCertain
	case m.commas > 0 && m.dots > 0:
		return noNumber
	case m.commas > 1 && m.whole:
		return pointCertain
	case m.dots > 1 && m.grouped:
		return commaCertain
	case m.commas > 1 || m.dots > 1:
		return noNumber
	case m.commas == 1 && m.grouped:
		return commaEither
	case m.commas == 1:
		return commaCertain
	case m.grouped:
		return pointEither
	}
	return pointCertain
}

// parseMarked reads a number of which it is known whether the comma is the decimal
// mark.
func parseMarked(number string, commaDecimal bool) (float64, error) {
	decimal, thousands := byte('.'), byte(',')
	if commaDecimal {
		decimal, thousands = ',', '.'
	}
	var b strings.Builder
	for _, c := range strings.Replace(number, "−", "-", 1) {
		switch {
		case c == rune(thousands) || c == '\'' || c == '’' || c == ' ' || c == '\u00a0' || c == '\u202f':
		case c == rune(decimal):
			b.WriteByte('.')
		default:
			b.WriteRune(c)
		}
	}
	return parseNumber(b.String())
}
