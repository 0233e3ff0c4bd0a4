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

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
)

// describe names the search, so that shards and work under way are known to
// belong to it.
func (t *tuner) describe() error {
	var digests []string
	for _, j := range t.jobs {
		digest, err := inputDigest(j)
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
func inputDigest(j *runs.Job) (string, error) {
	text, err := j.Text(filepath.Base)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(text)
	for _, r := range j.File.Spec.Recordings {
		if err := digestFiles(h, j.File.Resolve(r.File)); err != nil {
			return "", err
		}
	}
	for _, f := range j.File.Spec.Prometheus.RuleFiles {
		if err := digestFiles(h, j.File.Resolve(f)); err != nil {
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
