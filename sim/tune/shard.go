package tune

import (
	"fmt"
	"regexp"
	"strconv"
)

var shardPattern = regexp.MustCompile(`^([0-9]{1,6})(\+1)?/([0-9]{1,6})$`)

// ParseShard reads I/N, or I+1/N where I counts from 0; nothing is the whole.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{1, 1}, nil
	}
	var s Shard
	if m := shardPattern.FindStringSubmatch(text); m != nil {
		s.Part, _ = strconv.Atoi(m[1])
		s.Of, _ = strconv.Atoi(m[3])
		if m[2] != "" {
			s.Part++
		}
	}
	if s.Part < 1 || s.Part > s.Of {
		return s, fmt.Errorf("--shard %s: want I/N with I from 1 to N, e.g. 2/4", text)
	}
	return s, nil
}

// A Shard is part I of N of a search, from 1.
type Shard struct{ Part, Of int }

// String returns I/N.
func (s Shard) String() string { return strconv.Itoa(s.Part) + "/" + strconv.Itoa(s.Of) }

// Has says whether a unit belongs to the shard.
func (s Shard) Has(unit int) bool { return (unit-1)%s.Of == s.Part-1 }
