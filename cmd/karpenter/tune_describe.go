package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// describe names the search, so that shards and work under way are known to
// belong to it.
func (t *tuner) describe() error {
	var digests []string
	for _, j := range t.jobs {
		digest, err := j.inputDigest()
		if err != nil {
			return err
		}
		digests = append(digests, digest)
	}
	t.about = t.search.Describe(version(), digests)
	var err error
	t.digest, err = t.about.Digest()
	return err
}

// inputDigest digests a scenario with its recordings, wherever they lie.
func (j *job) inputDigest() (string, error) {
	text, err := j.wholeText(filepath.Base)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(text)
	for _, r := range j.file.Spec.Recordings {
		if err := digestFiles(h, j.file.Resolve(r.File)); err != nil {
			return "", err
		}
	}
	for _, f := range j.file.Spec.Prometheus.RuleFiles {
		if err := digestFiles(h, j.file.Resolve(f)); err != nil {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// digestHead is how much of each file is digested, besides its length: blocks
// of metrics can be many gigabytes, and are never edited in place.
const digestHead = 1 << 20

// digestFiles digests a file, or all files of a directory.
func digestFiles(h hash.Hash, root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(name), info.Size())
		_, err = io.CopyN(h, file, digestHead)
		if err == io.EOF {
			err = nil
		}
		return err
	})
}

// wholeText is the scenario with all its manifests as one file; place says how
// other files are named.
func (j *job) wholeText(place func(path string) string) ([]byte, error) {
	s := *j.file.Scenario
	s.Spec.Manifests = nil
	s.Spec.Recordings = slices.Clone(s.Spec.Recordings)
	for i := range s.Spec.Recordings {
		s.Spec.Recordings[i].File = place(j.file.Resolve(s.Spec.Recordings[i].File))
	}
	s.Spec.Prometheus.RuleFiles = slices.Clone(s.Spec.Prometheus.RuleFiles)
	for i, f := range s.Spec.Prometheus.RuleFiles {
		s.Spec.Prometheus.RuleFiles[i] = place(j.file.Resolve(f))
	}
	var objects []runtime.Object
	for _, e := range j.file.Manifests.Autoscalers {
		objects = append(objects, e.Object)
	}
	for _, e := range j.file.Manifests.Producers {
		objects = append(objects, e.Object)
	}
	for _, e := range j.file.Manifests.NodeGroups {
		objects = append(objects, e.Object)
	}
	return scenario.Write(&s, objects...)
}
