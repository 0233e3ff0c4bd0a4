package recording

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// openOpenMetrics converts the text to a block. It takes what promtool's
// "tsdb create-blocks-from openmetrics" takes, gzipped as well.
func (r *Recording) openOpenMetrics(ctx context.Context, path string, tmp func() (string, error)) error {
	dir, err := tmp()
	if err != nil {
		return fmt.Errorf("%s: a directory for the converted text: %w", path, err)
	}
	b := newBuilder()
	if err := readOpenMetrics(ctx, path, dir, b); err != nil {
		return err
	}
	err = r.openBuilt(ctx, b, dir)
	var twice *duplicate
	if errors.As(err, &twice) {
		return fmt.Errorf("%s:%d: %w", path, twice.where, twice)
	}
	return err
}

// readOpenMetrics adds the samples of a file to b; dir is for its text if it
// is compressed.
func readOpenMetrics(ctx context.Context, path, dir string, b *builder) error {
	plain, err := unzipped(path, dir)
	if err != nil {
		return err
	}
	if plain != path {
		defer os.Remove(plain)
	}
	text, err := fileutil.OpenMmapFile(plain)
	if err != nil {
		return pathError(path, err)
	}
	defer text.Close()
	p := &openMetricsReader{path: path, text: text.Bytes(), builder: b, series: map[string]*builtSeries{}}
	if err := p.read(ctx); err != nil {
		return err
	}
	if b.samples == 0 {
		return fmt.Errorf("%s: no samples", path)
	}
	return nil
}

// unzipped returns the path of the file's text: the parser wants all of it in
// one piece, so compressed text goes to a temporary file to be mapped.
func unzipped(path, dir string) (plain string, err error) {
	file, err := openText(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if !file.gzip {
		info, err := file.file.Stat()
		if err != nil {
			return "", pathError(path, err)
		}
		if info.Size() == 0 {
			return "", errEmpty(path)
		}
		return path, nil
	}
	plain = filepath.Join(dir, "openmetrics.txt")
	out, err := os.Create(plain)
	if err != nil {
		return "", pathError(plain, err)
	}
	n, err := io.Copy(out, file)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return "", readError(path, err)
	case n == 0:
		return "", errEmpty(path)
	}
	return plain, nil
}

// An openMetricsReader reads OpenMetrics text line by line.
type openMetricsReader struct {
	path    string
	text    []byte
	builder *builder
	// series finds a series by its text, which is cheaper than by its labels.
	series map[string]*builtSeries
	line   int
}

func (r *openMetricsReader) read(ctx context.Context) error {
	p := textparse.NewOpenMetricsParser(r.text, labels.NewSymbolTable())
	for r.line = 1; ; r.line++ {
		if r.line%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
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
	series := r.series[string(text)]
	if series == nil {
		var l labels.Labels
		p.Labels(&l)
		if name, twice := l.HasDuplicateLabelNames(); twice {
			return fmt.Errorf("%s:%d: label %q stands twice", r.path, r.line, name)
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
	if strings.Contains(message, "does not end with # EOF") {
		line := bytes.Count(bytes.TrimRight(r.text, "\n"), []byte("\n")) + 1
		return fmt.Errorf("%s:%d: the text does not end with # EOF; it is truncated, or in Prometheus' older text format, which cannot be told from truncated text", r.path, line)
	}
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
