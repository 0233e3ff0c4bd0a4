package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// The two commits of a migration, each a directory with the files as they are after it.
const (
	besideCommit = "1-beside"
	switchCommit = "2-switch"
)

// A migration is the files of both commits.
type migration struct{ beside, alone map[string][]byte }

// migrate rewrites the files of foreign autoscalers in place: at first with ours in dry run
// beside them, then with ours alone. Where KEDA would set the replicas back to what they
// were before it came, the first commit has it leave them.
func migrate(foreign []manifest.Foreign, made map[*manifest.Document][]runtime.Object) (*migration, error) {
	m := &migration{map[string][]byte{}, map[string][]byte{}}
	byFile := map[string][]*manifest.Foreign{}
	for i := range foreign {
		if f := &foreign[i]; len(made[f.Doc.Written()]) > 0 {
			byFile[f.Doc.File] = append(byFile[f.Doc.File], f)
		}
	}
	if len(byFile) == 0 {
		return nil, errors.New("--commits: no HorizontalPodAutoscaler or ScaledObject in the files")
	}
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		beside, alone, err := migrateFile(file, byFile[file], made)
		if err != nil {
			errs = append(errs, err)
		}
		m.beside[file], m.alone[file] = beside, alone
	}
	return m, manifest.JoinAll(errs...)
}

func migrateFile(file string, all []*manifest.Foreign, made map[*manifest.Document][]runtime.Object) (beside, alone []byte, err error) {
	if !filepath.IsLocal(file) {
		return nil, nil, fmt.Errorf("--commits: %s: want a path below the current directory, such as that of the repository", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("-f %s: %w", file, reason(err))
	}
	lines := strings.SplitAfter(string(text), "\n")
	own, gone := map[bool]*bytes.Buffer{true: {}, false: {}}, map[int]bool{}
	for _, f := range all {
		doc := f.Doc.Written()
		first, end, ok := written(lines, doc.Position().Line-1)
		if !ok {
			return nil, nil, doc.Errorf("", "an item of a list or a document in JSON, which cannot be replaced by lines; write each object as a YAML document of its own")
		}
		if err := leaveReplicas(lines, f); err != nil {
			return nil, nil, err
		}
		for i := first; i < end; i++ {
			gone[i] = true
		}
		for dry, b := range own {
			for _, o := range made[doc] {
				if err := writeDocument(b, o, dry); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	var kept strings.Builder
	for i, line := range lines {
		if !gone[i] {
			kept.WriteString(line)
		}
	}
	return joined(strings.Join(lines, ""), own[true]), joined(kept.String(), own[false]), nil
}

// written finds the lines of the document that begins at a line, with the separator before
// it. Where something else begins there, such as an item of a list, there are none.
func written(lines []string, start int) (first, end int, ok bool) {
	first = start
	for first > 0 && !strings.HasPrefix(lines[first], "---") {
		first--
		if text := strings.TrimSpace(lines[first]); text != "" && !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "---") {
			return 0, 0, false
		}
	}
	if text := strings.TrimSpace(lines[start]); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return 0, 0, false
	}
	end = start + 1
	for end < len(lines) && !strings.HasPrefix(lines[end], "---") && !strings.HasPrefix(lines[end], "...") {
		end++
	}
	return first, end, true
}

// leaveReplicas has KEDA leave the replicas as they are when it goes.
func leaveReplicas(lines []string, f *manifest.Foreign) error {
	const path = "spec.advanced.restoreToOriginalReplicaCount"
	var object struct {
		Spec struct {
			Advanced struct{ RestoreToOriginalReplicaCount bool }
		}
	}
	// What does not decode is no ScaledObject, or has been left out.
	if err := json.Unmarshal(f.JSON, &object); err != nil || !object.Spec.Advanced.RestoreToOriginalReplicaCount {
		return nil
	}
	doc := f.Doc.Written()
	at := doc.Locate(path)
	line := lines[at.Line-1]
	if before, after := line[:at.Column-1], line[at.Column-1:]; strings.HasPrefix(after, "true") {
		lines[at.Line-1] = before + "false" + strings.TrimPrefix(after, "true")
		return nil
	}
	return doc.Errorf(path, "KEDA would set the replicas back when it goes; write false here first")
}

// writeDocument adds an object of ours, in dry run if dry is set.
func writeDocument(b *bytes.Buffer, o runtime.Object, dry bool) error {
	if a, ok := o.(*v1alpha1.HorizontalAutoscaler); ok && dry {
		a = a.DeepCopy()
		a.Spec.DryRun = true
		o = a
	}
	text, err := manifest.MarshalObject(o)
	if err != nil {
		return internal(err)
	}
	b.WriteString("---\n")
	b.Write(text)
	return nil
}

// joined puts documents behind a text, which needs no separator where it has nothing.
func joined(text string, documents *bytes.Buffer) []byte {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	own := documents.String()
	if strings.TrimSpace(text) == "" {
		text, own = "", strings.TrimPrefix(own, "---\n")
	}
	return []byte(text + own)
}

// write writes both commits to a directory that is new.
func (m *migration) write(dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("--commits %s: is there already; name a directory that is new", dir)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return fmt.Errorf("--commits %s: %w", dir, reason(err))
	}
	temporary, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".karpenter-commits-")
	if err != nil {
		return fmt.Errorf("--commits %s: %w", dir, reason(err))
	}
	defer os.RemoveAll(temporary)
	for commit, files := range map[string]map[string][]byte{besideCommit: m.beside, switchCommit: m.alone} {
		for file, text := range files {
			path := filepath.Join(temporary, commit, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
				return internal(err)
			}
		}
	}
	_ = os.Remove(dir) // an empty one
	if err := errors.Join(os.Chmod(temporary, 0o755), os.Rename(temporary, dir)); err != nil {
		return fmt.Errorf("--commits %s: %w", dir, reason(err))
	}
	return nil
}

// writeCommits writes the commits of a migration and says what to do with them.
func (a *app) writeCommits(dir string, foreign []manifest.Foreign, made map[*manifest.Document][]runtime.Object) error {
	m, err := migrate(foreign, made)
	if err != nil {
		return err
	}
	if err := m.write(dir); err != nil {
		return err
	}
	for _, commit := range []struct{ name, what string }{{besideCommit, "ours in dry run beside what is there"}, {switchCommit, "ours alone"}} {
		path := quoteArgument(filepath.Join(dir, commit.name))
		fmt.Fprintf(a.stdout, "%s: %s, %s; cp -R %s/. . and commit\n", path, counted(len(m.beside), "file"), commit.what, path)
	}
	return nil
}
