package simtoreal

import (
	"encoding/json"
	"os"
	"sort"
	"time"
)

// A Step is a value that holds from an instant on: Unix seconds and the value.
type Step [2]float64

// Steps are ordered by time.
type Steps []Step

// Add returns the steps with a value that holds from an instant on.
func (s Steps) Add(at time.Time, n int) Steps {
	if len(s) > 0 && s[len(s)-1][1] == float64(n) {
		return s
	}
	return append(s, Step{float64(at.UnixMilli()) / 1000, float64(n)})
}

// At returns the value at an instant in Unix seconds: the first one before all steps.
func (s Steps) At(at float64) int {
	i := sort.Search(len(s), func(i int) bool { return s[i][0] > at })
	if len(s) == 0 {
		return 0
	}
	return int(s[max(0, i-1)][1])
}

// Read reads a file of JSON.
func Read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
