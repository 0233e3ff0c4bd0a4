package runs

import (
	"fmt"
	"os"
	"strings"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Update writes the digests of the decisions into the scenario files, in
// the very place of the old ones, and a readable summary beside each file so
// that a change of a digest can be read in a diff.
func Update(jobs []*Job, all []*reports.Report) error {
	for i, j := range jobs {
		for k, e := range j.File.Spec.Expect {
			if e.Form() != scenario.DecisionsForm {
				continue
			}
			column := all[i].Column(result.Current)
			if err := replaceDigest(j.File, k, e.Decisions.Digest, column.Digest); err != nil {
				return err
			}
			if err := output.ReplaceFile(Golden(j.File.Path), []byte(GoldenText(all[i], j.Decisions))); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceDigest changes one digest in a scenario file and nothing else.
func replaceDigest(file *scenario.File, index int, old, digest string) error {
	if old == digest {
		return nil
	}
	at := file.Doc.Locate(fmt.Sprintf("spec.expect[%d].decisions.digest", index))
	text, err := os.ReadFile(file.Path)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return fmt.Errorf("%s: cannot find the digest to update", at)
	}
	line := lines[at.Line-1]
	if old != "" && strings.Contains(line, old) {
		lines[at.Line-1] = strings.Replace(line, old, digest, 1)
	} else {
		before, after, ok := strings.Cut(line, "digest:")
		if !ok {
			return fmt.Errorf("%s: write `digest: \"\"` on one line, so that it can be updated", at)
		}
		rest := strings.TrimLeft(strings.TrimLeft(after, " "), "\"'")
		lines[at.Line-1] = before + `digest: "` + digest + `"` + rest
	}
	return output.ReplaceFile(file.Path, []byte(strings.Join(lines, "")))
}
