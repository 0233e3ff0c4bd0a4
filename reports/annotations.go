package reports

import (
	"fmt"
	"io"
	"strings"
)

// Annotations writes a GitHub workflow command for every failed expectation, so
// that it is shown beside the line that states it.
func Annotations(w io.Writer, reports []*Report) error {
	for _, r := range reports {
		for _, e := range r.Failures() {
			var properties []string
			if e.File != "" {
				properties = append(properties, "file="+escapeProperty(e.File))
				if e.Line > 0 {
					properties = append(properties, fmt.Sprintf("line=%d", e.Line))
				}
			}
			properties = append(properties, "title="+escapeProperty(r.Run.Name+": "+e.Name))
			if _, err := fmt.Fprintf(w, "::error %s::%s\n", strings.Join(properties, ","), escapeCommand(r.Failure(&e))); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	commandEscaper  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeCommand(text string) string  { return commandEscaper.Replace(text) }
func escapeProperty(text string) string { return propertyEscaper.Replace(text) }
