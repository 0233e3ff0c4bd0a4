package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
)

func (a *app) verifyCommand() *cobra.Command {
	var options verifyOptions
	var format string
	c := &cobra.Command{
		Use:   "verify JOURNAL|DIR|- ...",
		Short: "Decide every record of a journal again and compare",
		Long: `Verify decides every record of live or simulated journals again, from the
inputs that stand in it, and compares the result byte for byte. It ends with
exit code 1 at the first difference and prints it.

Lost lines are gaps. After one the state is not known until the journal repeats
it, at most 256 records of the object later; until then only what needs no state
is decided again: each metric's recommendation, the bounds, the order of the
stages; that a window holds at least what was asked for since; and that the number
that a rate policy allows follows from what its period had seen. Once the longest
window and rate period lie behind the gap, all numbers are decided again. Until then
it is not proven what the window held from before the gap, how much of the rate budget
was used and until when; of policies with a fallback or an idle count at no time, nor
since when a metric failed or a target slept, and of a node group whether it waited.
The digests of states are proven again where a state stands. That slots were missed is
taken as it is told. Such records are not verified: they end in exit code
1, unless --allow-gaps is given, which counts them as unverifiable. --strict refuses every gap
and a torn last line.

What is proven: the numbers follow from the inputs, the policy and the state that
stand in the file, and no byte of a line was changed by accident. What is not: who
wrote the file; that the inputs are what a Prometheus answered; that a state which
the file takes over (its first one, and those counted as taken over) is the one
that was left before; that nothing was cut off at the end.`,
		Example: `  karpenter verify out/flash-crowd
  karpenter journal fetch --out journal && karpenter verify journal
  kubectl logs -n karpenter-autoscaling POD | grep '^{"v":' | karpenter verify -`,
		Args: someArgs("a journal, or a directory with journals"),
		RunE: func(_ *cobra.Command, paths []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			files, err := a.journals(paths)
			if err != nil {
				return err
			}
			return a.verify(files, options, format)
		},
	}
	c.Flags().BoolVar(&options.allowGaps, "allow-gaps", false, "records that lost lines keep from being decided again in full are counted and do not fail")
	c.Flags().BoolVar(&options.strict, "strict", false, "every lost line fails, and a torn last line")
	c.MarkFlagsMutuallyExclusive("allow-gaps", "strict")
	addFormat(c, &format)
	return c
}

// verifyOptions say what may be missing.
type verifyOptions struct{ allowGaps, strict bool }

// refuse returns what is missing of a file and may not be.
func (o verifyOptions) refuse(v *verifiedFile) error {
	switch {
	case o.strict && v.Gaps > 0:
		return fmt.Errorf("%s: lines are missing in %s (--strict)", v.File, counted(v.Gaps, "place"))
	case o.strict && v.Torn:
		return fmt.Errorf("%s: the last line is torn (--strict)", v.File)
	case !o.allowGaps && v.Unverifiable > 0:
		return fmt.Errorf("%s: %s could not be decided again in full, since lines before are lost; --allow-gaps counts them instead", v.File, counted(v.Unverifiable, "record"))
	}
	return nil
}

// verifiedFile holds what verify says of one file.
type verifiedFile struct {
	File         string      `json:"file"`
	Records      int         `json:"records"`
	Verified     int         `json:"verified"`
	Gaps         int         `json:"gaps"`
	Unverifiable int         `json:"unverifiable"`
	Resumed      int         `json:"resumed"`
	Outcomes     int         `json:"outcomes"`
	Torn         bool        `json:"torn"`
	Difference   *difference `json:"difference,omitempty"`
}

// verify verifies file by file, up to the first difference.
func (a *app) verify(files []journalFile, options verifyOptions, format string) error {
	var done []verifiedFile
	var errs []error
	code := exitOK
	for i := range files {
		result, err := verifyFile(&files[i])
		if err != nil {
			errs, code = append(errs, err), exitInvalid
			continue
		}
		done = append(done, result)
		if format == tableFormat {
			fmt.Fprint(a.stdout, result.text())
		}
		if d := result.Difference; d != nil {
			a.annotate(reports.Annotation{File: result.File, Line: d.Line, Column: 1, Message: d.message()})
			code = max(code, exitFailed)
			break
		}
		switch {
		case result.Records == 0:
			errs, code = append(errs, fmt.Errorf("%s: no decision record in it; nothing was verified", result.File)), exitInvalid
		case result.Verified == 0:
			errs, code = append(errs, fmt.Errorf("%s: none of %s could be verified: the lines that carry the state are lost", result.File, counted(result.Records, "record"))), exitInvalid
		default:
			if err := options.refuse(&result); err != nil {
				errs, code = append(errs, err), max(code, exitFailed)
			}
		}
	}
	if format != tableFormat {
		if err := a.encode(format, done); err != nil {
			return err
		}
	}
	if code == exitOK {
		return nil
	}
	if len(errs) == 0 {
		errs = append(errs, errReported)
	}
	return &statusError{code, errors.Join(errs...)}
}

func verifyFile(file *journalFile) (verifiedFile, error) {
	var found journal.Verification
	result := verifiedFile{File: file.name}
	err := file.read(func(r io.Reader) (err error) {
		found, err = journal.Verify(r, file.name)
		return err
	})
	var differs *journal.Difference
	if errors.As(err, &differs) {
		if found.Records+found.Outcomes == 0 && differs.Err != nil && !hasRecord(file) {
			return result, fmt.Errorf("%s: no decision journal: its first line is no record", file.name)
		}
		result.Difference, err = newDifference(differs), nil
	}
	result.Records, result.Verified = found.Records, found.Verified
	result.Gaps, result.Unverifiable = found.Gaps, found.Unverifiable
	result.Resumed, result.Outcomes, result.Torn = found.Resumed, found.Outcomes, found.Torn
	return result, err
}

// hasRecord says whether any line of a file looks like a record: then its
// first line was damaged, else the file is something else.
func hasRecord(file *journalFile) bool {
	found := false
	err := file.read(func(r io.Reader) error {
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return nil
			}
			found = found || bytes.HasPrefix(line, []byte(`{"v":`))
		}
	})
	return err == nil && found
}

// text is the summary of a file on one line, and its difference.
func (v *verifiedFile) text() string {
	if v.Records == 0 && v.Difference == nil {
		return "" // an error says it
	}
	var b strings.Builder
	if v.Verified == 0 && v.Difference != nil {
		return v.Difference.text(v.File)
	}
	fmt.Fprintf(&b, "%s: %s verified", v.File, counted(v.Verified, "record"))
	for _, more := range []struct {
		n    int
		noun string
	}{{v.Gaps, "gap"}, {v.Unverifiable, "unverifiable record"}, {v.Outcomes, "outcome"}} {
		if more.n > 0 {
			fmt.Fprintf(&b, ", %s", counted(more.n, more.noun))
		}
	}
	if v.Resumed > 0 {
		fmt.Fprintf(&b, ", %s taken over", counted(v.Resumed, "state"))
	}
	if v.Torn {
		b.WriteString(", last line torn")
	}
	b.WriteByte('\n')
	if v.Difference != nil {
		b.WriteString(v.Difference.text(v.File))
	}
	return b.String()
}

// A difference is the record that was not decided again.
type difference struct {
	Line   int    `json:"line"`
	Object string `json:"object,omitempty"`
	Slot   string `json:"slot,omitempty"`
	// Error says what is wrong with a line that cannot be compared.
	Error    string          `json:"error,omitempty"`
	Keys     []differentKey  `json:"keys,omitempty"`
	Recorded json.RawMessage `json:"recorded,omitempty"`
	Decided  json.RawMessage `json:"decided,omitempty"`
}

// A differentKey is one key of the record, by its path; a value that is absent
// is empty.
type differentKey struct {
	Key      string `json:"key"`
	Recorded string `json:"recorded,omitempty"`
	Decided  string `json:"decided,omitempty"`
}

func newDifference(d *journal.Difference) *difference {
	out := &difference{Line: d.Line}
	if d.Err != nil {
		out.Error = d.Err.Error()
		return out
	}
	out.Recorded, out.Decided = d.Got, d.Want
	var head struct{ Kind, Namespace, Name, Slot string }
	if err := json.Unmarshal(d.Got, &head); err == nil {
		out.Object, out.Slot = journal.Object{Kind: head.Kind, Namespace: head.Namespace, Name: head.Name}.String(), head.Slot
	}
	out.Keys = differentKeys(d.Got, d.Want)
	return out
}

// shortLine is the length up to which whole lines are printed.
const shortLine = 600

// message says in one line what is wrong.
func (d *difference) message() string {
	if d.Error != "" {
		return d.Error
	}
	return fmt.Sprintf("%s at %s: decided again, the record differs", d.Object, d.Slot)
}

func (d *difference) text(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s\n", file, d.Line, d.message())
	if d.Error != "" {
		return b.String()
	}
	width := 0
	for _, k := range d.Keys {
		width = max(width, len(k.Key))
	}
	for _, k := range d.Keys {
		fmt.Fprintf(&b, "  %-*s  recorded %s, decided %s\n", width, k.Key, orAbsent(k.Recorded), orAbsent(k.Decided))
	}
	if len(d.Recorded) <= shortLine && len(d.Decided) <= shortLine {
		fmt.Fprintf(&b, "  recorded: %s\n  decided:  %s\n", d.Recorded, d.Decided)
	}
	return b.String()
}

func orAbsent(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// differentKeys lists the leaves in which two lines differ, in the order of the
// lines. The digest follows from the others.
func differentKeys(recorded, decided []byte) []differentKey {
	first, second := leaves(recorded), leaves(decided)
	values := map[string]string{}
	for _, l := range second {
		values[l.path] = l.value
	}
	var keys []differentKey
	seen := map[string]bool{}
	for _, l := range first {
		seen[l.path] = true
		if values[l.path] != l.value && l.path != "digest" {
			keys = append(keys, differentKey{l.path, l.value, values[l.path]})
		}
	}
	for _, l := range second {
		if !seen[l.path] {
			keys = append(keys, differentKey{Key: l.path, Decided: l.value})
		}
	}
	return keys
}

// A leaf is a scalar of a JSON text.
type leaf struct{ path, value string }

// leaves flattens a JSON object in the order of its text; bodies stay whole.
func leaves(text []byte) []leaf {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var list []leaf
	flatten(d, "", &list)
	return list
}

func flatten(d *json.Decoder, path string, list *[]leaf) {
	token, err := d.Token()
	if err != nil {
		return
	}
	switch token {
	case json.Delim('{'):
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return
			}
			flatten(d, strings.TrimPrefix(fmt.Sprintf("%s.%v", path, key), "."), list)
		}
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			flatten(d, fmt.Sprintf("%s[%d]", path, i), list)
		}
	default:
		value, err := json.Marshal(token)
		if err != nil {
			return
		}
		*list = append(*list, leaf{path, string(value)})
		return
	}
	// The closing delimiter; at the end of the text there is no more to read.
	_, _ = d.Token()
}
