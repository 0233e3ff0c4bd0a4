package sim

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"
)

// TestZipper reads back what was written in pieces of any size, and gets the same bytes
// whatever the pieces were.
func TestZipper(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, zipBlock - 1, zipBlock, zipBlock + 1, 3*zipBlock + 77} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte('a' + random.IntN(4))
		}
		var all [2]bytes.Buffer
		for i, most := range []int{size + 1, 300_000} {
			z := newZipper(&all[i], gzip.BestSpeed)
			for rest := text; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(most))
				z.Write(rest[:n])
				rest = rest[n:]
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(all[0].Bytes(), all[1].Bytes()) {
			t.Errorf("%d bytes: the pieces show", size)
		}
		r, err := gzip.NewReader(&all[0])
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: read %d, error %v", size, len(got), err)
		}
	}
}
