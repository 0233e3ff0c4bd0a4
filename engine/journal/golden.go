package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
)

// A GoldenDigest covers of records, in their order, slot, object, desired and reason,
// and nothing else: two journals of the same decisions have the same one.
type GoldenDigest struct {
	hash hash.Hash
	line []byte
}

// NewGoldenDigest is that of no records.
func NewGoldenDigest() *GoldenDigest { return &GoldenDigest{hash: sha256.New()} }

// Add takes in the next record.
func (g *GoldenDigest) Add(r *Record) {
	b := strconv.AppendInt(g.line[:0], int64(r.Slot), 10)
	for _, text := range []string{r.Kind, r.Namespace, r.Name} {
		b = append(append(b, ' '), text...)
	}
	b = append(b, ' ')
	if r.Known {
		b = strconv.AppendInt(b, int64(r.Desired), 10)
	}
	b = append(append(append(b, ' '), r.Reason...), '\n')
	g.hash.Write(b)
	g.line = b
}

// String is "sha256:" and hex.
func (g *GoldenDigest) String() string { return "sha256:" + hex.EncodeToString(g.hash.Sum(nil)) }
