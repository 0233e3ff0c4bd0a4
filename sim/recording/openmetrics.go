package recording

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// openOpenMetrics converts the text to a block. It takes what promtool's
// "tsdb create-blocks-from openmetrics" takes, gzipped as well.
func (r *Recording) openOpenMetrics(ctx context.Context, path string, tmp func() (string, error)) error {
	b := newBuilder()
	if err := readOpenMetrics(ctx, path, b); err != nil {
		return err
	}
	dir, err := tmp()
	if err != nil {
		return fmt.Errorf("%s: a directory for the converted text: %w", path, err)
	}
	err = r.openBuilt(ctx, b, dir)
	var twice *duplicate
	if errors.As(err, &twice) {
		return fmt.Errorf("%s:%d: %w", path, twice.where, twice)
	}
	return err
}

// readOpenMetrics adds the samples of a file to b.
func readOpenMetrics(ctx context.Context, path string, b *builder) error {
	file, err := openText(path)
	if err != nil {
		return err
	}
	defer file.Close()
	p := &openMetricsReader{path: path, lines: bufio.NewReaderSize(file, limit.Line), symbols: labels.NewSymbolTable(), builder: b, series: map[string]*builtSeries{}}
	if err := p.read(ctx); err != nil {
		return err
	}
	if b.samples == 0 {
		return fmt.Errorf("%s: no samples", path)
	}
	return nil
}

// batchSize is how much text the parser gets at once: it wants text in one piece,
// but a file has no bound.
const batchSize = 1 << 16

var quote, escapedQuote = []byte(`"`), []byte(`\"`)

const endOfText = "# EOF\n"

// An openMetricsReader reads OpenMetrics text, some whole lines at a time. Nothing
// that a line of it says changes what another one means.
type openMetricsReader struct {
	path    string
	lines   *bufio.Reader
	batch   []byte
	symbols *labels.SymbolTable
	builder *builder
	// series finds a series by its text, which is cheaper than by its labels.
	series map[string]*builtSeries
	// line is the line being parsed, next the first that has not been read.
	line, next int
	// some says that there is text at all.
	some bool
	// ended says that the text's end mark has been read.
	ended bool
}

func (r *openMetricsReader) read(ctx context.Context) error {
	for r.next = 1; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.line = r.next
		more, err := r.fill()
		if err != nil {
			return err
		}
		if err := r.parse(); err != nil {
			return err
		}
		switch {
		case more:
		case !r.some:
			return errEmpty(r.path)
		case !r.ended:
			return fmt.Errorf("%s:%d: the text does not end with # EOF; it is truncated, or in Prometheus' older text format, which cannot be told from truncated text", r.path, r.next)
		default:
			return nil
		}
	}
}

// fill reads whole lines up to the size of a batch, and says whether there may be more.
func (r *openMetricsReader) fill() (more bool, err error) {
	r.batch = r.batch[:0]
	quotes := 0
	for len(r.batch) < batchSize || quotes%2 != 0 && len(r.batch) < batchSize+limit.Line {
		line, err := r.lines.ReadSlice('\n')
		r.some = r.some || len(line) > 0
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return false, fmt.Errorf("%s:%d:1: a line longer than %d MiB", r.path, r.next, limit.Line>>20)
		case err != nil && err != io.EOF:
			return false, readError(r.path, err)
		case string(line) == endOfText || string(line) == endOfText[:len(endOfText)-1]:
			if r.ended {
				return false, fmt.Errorf("%s:%d: there is more text after # EOF", r.path, r.next)
			}
			r.ended = true
			r.next++
			continue
		case r.ended && len(line) > 0:
			return false, fmt.Errorf("%s:%d: there is more text after # EOF", r.path, r.next)
		case err == io.EOF && (r.ended || len(line) == 0):
			if !r.ended && r.next > 1 {
				r.next-- // the last line is to blame for what does not follow it
			}
			return false, nil
		case err == io.EOF:
			return false, nil // half a line: what the file lacks is its end
		}
		// Only in the quoted name of a series may a line end within.
		if line[0] != '#' {
			quotes += bytes.Count(line, quote)
			if bytes.IndexByte(line, '\\') >= 0 {
				quotes -= bytes.Count(line, escapedQuote)
			}
		}
		r.batch = append(r.batch, line...)
		r.next++
	}
	return true, nil
}

// parse takes the samples of a batch.
func (r *openMetricsReader) parse() error {
	r.batch = append(r.batch, endOfText...)
	p := textparse.NewOpenMetricsParser(r.batch, r.symbols)
	for ; ; r.line++ {
		entry, err := p.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return r.parseError(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		if err := r.readSample(p); err != nil {
			return err
		}
	}
}

func (r *openMetricsReader) readSample(p textparse.Parser) error {
	text, t, v := p.Series()
	if t == nil {
		return fmt.Errorf("%s:%d: %s has no timestamp; every sample of a recording needs one, in seconds after its value", r.path, r.line, shortened(string(text)))
	}
	if unit := notSeconds(*t); unit != "" {
		return fmt.Errorf("%s:%d: the time of %s lies beyond the year %d: a time in %s, but OpenMetrics has seconds; divide the times, or save a CSV, whose times may be in %s",
			r.path, r.line, shortened(string(text)), lastYear, unit, unit)
	}
	series := r.series[string(text)]
	if series == nil {
		var l labels.Labels
		p.Labels(&l)
		if name, twice := l.HasDuplicateLabelNames(); twice {
			return fmt.Errorf("%s:%d: label %q stands twice", r.path, r.line, name)
		}
		if size := l.ByteSize(); size > limit.LabelBytes {
			return fmt.Errorf("%s:%d: the labels of %s take %d bytes; a series may have %d", r.path, r.line, shortened(string(text)), size, limit.LabelBytes)
		}
		series = r.builder.series(l)
		r.series[string(text)] = series
	}
	if err := r.builder.add(series, builtSample{t: *t, f: v, where: int64(r.line)}); err != nil {
		return fmt.Errorf("%s:%d: %w", r.path, r.line, err)
	}
	r.line += bytes.Count(text, []byte("\n"))
	return nil
}

// parseError adds the line and leaves out the parser's quote of all it read.
func (r *openMetricsReader) parseError(err error) error {
	message, _, _ := strings.Cut(err.Error(), " while parsing: ")
	return fmt.Errorf("%s:%d: not OpenMetrics text: %s", r.path, r.line, shortened(message))
}

// shortened cuts a text from outside to a length fit for a message.
func shortened(s string) string {
	const most = 200
	s = strings.ReplaceAll(s, "\n", `\n`)
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
