package recording

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Format names how a recording is stored.
type Format string

// The formats of recordings. The empty format means: by name and content.
const (
	CSV         Format = "csv"
	OpenMetrics Format = "openmetrics"
	TSDB        Format = "tsdb"
	JSON        Format = "json"
	Recorded    Format = "recording"
)

// Formats lists the formats by name.
var Formats = []Format{CSV, OpenMetrics, TSDB, JSON, Recorded}

// A Spec says which recording to open and how to read it. Only Path is required.
type Spec struct {
	// Path is a file or a directory.
	Path string
	// Format is found from name and content when empty.
	Format Format
	// TimeColumn is the header of a CSV's time column; empty: found by itself.
	TimeColumn string
	// TimeLayout is the layout of a CSV's times in the notation of package time or
	// of strftime, or one of unix, unixms, unixus, unixns and excel; empty: by itself.
	TimeLayout string
	// Location is where CSV times without an offset were taken; nil is UTC.
	Location *time.Location
	// Series maps CSV columns to series, e.g. value to http_requests{lb="x"}. A
	// column is its header, or #NUMBER; * stands for all whose headers are labels only.
	Series map[string]string
	// Labels narrow it to the series that have all of them.
	Labels Labels
	// ShiftTo is where the first sample lands; nil keeps the timestamps.
	ShiftTo *time.Time
	// InScenario says that the spec stands in a scenario file: cures in errors are
	// its fields then, and flags otherwise.
	InScenario bool
	// Scale multiplies the values; 0 and 1 leave them.
	Scale float64
}

// formatOf finds the format of the file or directory at spec.Path.
func formatOf(spec Spec) (Format, error) {
	info, err := os.Stat(spec.Path)
	if err != nil {
		return "", pathError(spec.Path, err)
	}
	if err := checkRegular(spec.Path, info.Mode()); err != nil {
		return "", err
	}
	format := spec.Format
	if format == "" {
		if err := checkForeign(spec.Path); err != nil && !info.IsDir() {
			return "", err
		}
		if format, err = guessFormat(spec.Path, info.IsDir()); err != nil {
			return "", err
		}
	}
	switch format {
	case TSDB, Recorded:
		if !info.IsDir() {
			return "", fmt.Errorf("%s: a file, but format %s is a directory", spec.Path, format)
		}
	case CSV, OpenMetrics, JSON:
		if info.IsDir() {
			return "", fmt.Errorf("%s: a directory, but format %s is a file", spec.Path, format)
		}
		if err := checkForeign(spec.Path); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("%s: unknown format %q; allowed: csv, openmetrics, tsdb, json, recording", spec.Path, format)
	}
	return format, nil
}

// guessFormat goes by the file's name first and looks inside where the name
// says nothing.
func guessFormat(path string, isDir bool) (Format, error) {
	if isDir {
		if _, err := os.Stat(filepath.Join(path, manifestFile)); err == nil {
			return Recorded, nil
		}
		return TSDB, nil
	}
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".gz")
	switch filepath.Ext(name) {
	case ".csv", ".tsv":
		return CSV, nil
	case ".om", ".openmetrics", ".prom":
		return OpenMetrics, nil
	case ".json", ".jsonl", ".ndjson":
		return JSON, nil
	}
	return sniffFormat(path)
}

func sniffFormat(path string) (Format, error) {
	f, err := openText(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := bufio.NewReaderSize(f, 4096).Peek(4096)
	if err != nil && err != io.EOF {
		return "", readError(path, err)
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	firstLine, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case len(head) == 0:
		return "", errEmpty(path)
	case bytes.HasPrefix(head, []byte(`[{"`)), bytes.HasPrefix(head, []byte(`{"`)):
		return JSON, nil
	case head[0] == '{' && !bytes.Contains(firstLine, []byte("} ")):
		return JSON, nil
	case bytes.HasPrefix(head, []byte("# ")):
		return OpenMetrics, nil
	case bytes.IndexAny(firstLine, ",;\t") > 0 && bytes.IndexByte(firstLine, '{') < 0, wideOrder(head[:min(4, len(head))]) != nil:
		return CSV, nil
	}
	return "", fmt.Errorf("%s: cannot tell its format from name or content; name it .csv, .om, .om.gz or .json, or give the format", path)
}
