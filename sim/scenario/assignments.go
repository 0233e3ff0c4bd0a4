package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Assignments are changes in helm's --set syntax, PATH=VALUE[,PATH=VALUE] each.
type Assignments []string

// UnmarshalJSON reads a string, a list of strings, or a mapping from path to a
// string, number, boolean or null.
func (a *Assignments) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = Assignments{one}
		return nil
	}
	var list []string
	if json.Unmarshal(data, &list) == nil {
		*a = list
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var byPath map[string]any
	if decoder.Decode(&byPath) != nil {
		return errors.New("want PATH=VALUE, a list of them, or a mapping from path to value")
	}
	*a = nil
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		value, err := assigned(byPath[path])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		*a = append(*a, path+"="+value)
	}
	return nil
}

// assigned writes a value so that --set reads the same value.
func assigned(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case string:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`, nil
	}
	return "", errors.New("want a string, a number, a boolean or null")
}
