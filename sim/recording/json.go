package recording

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// openJSON converts a saved answer of the query API to a block.
func (r *Recording) openJSON(ctx context.Context, path string, tmp func() (string, error)) error {
	file, err := openText(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := json.NewDecoder(&stringBound{from: file})
	decoder.UseNumber()
	j := &jsonReader{ctx: ctx, path: path, dec: decoder, builder: newBuilder()}
	if err := j.read(); err != nil {
		return err
	}
	dir, err := tmp()
	if err != nil {
		return fmt.Errorf("%s: a directory for the converted samples: %w", path, err)
	}
	err = r.openBuilt(ctx, j.builder, dir)
	var twice *duplicate
	if errors.As(err, &twice) {
		return fmt.Errorf("%s: %w", position(path, twice.where), twice)
	}
	r.info.Notes = j.notes
	return err
}

// A jsonReader reads an answer token by token: one series is in memory at a time.
type jsonReader struct {
	ctx     context.Context
	path    string
	dec     *json.Decoder
	builder *builder
	notes   []string
	// warnings are the first of the server's, quoted.
	warnings []string

	status, errorType, message, resultType string
	result, unnamed                        bool
	// export is the last line of an export, nil of an answer.
	export *exportLine
	// foreign says of which other API the answer is.
	foreign string
}

func (j *jsonReader) read() error {
	first, err := j.dec.Token()
	if err == io.EOF {
		return errEmpty(j.path)
	}
	if err != nil {
		return j.syntax(err)
	}
	switch first {
	case json.Delim('['): // promtool query range -o json
		err = j.readList()
	case json.Delim('{'):
		err = j.readAnswer()
	default:
		return j.failed("an answer of the query API is an object")
	}
	if err == nil && j.export != nil {
		err = j.readExport()
	}
	if err != nil {
		return err
	}
	if _, err := j.dec.Token(); err != io.EOF {
		return j.failed("there is more text after the answer's end")
	}
	switch {
	case j.status == "error":
		return fmt.Errorf("%s: the answer is an error, %s: %s; save a successful query_range", j.path, j.errorType, shortened(j.message))
	case j.export != nil && j.builder.samples > 0:
		return nil
	case j.foreign != "":
		return fmt.Errorf("%s: %s", j.path, j.foreign)
	case !j.result && j.export == nil:
		return fmt.Errorf("%s: no result in it; save the answer of /api/v1/query_range", j.path)
	case j.builder.samples == 0:
		return fmt.Errorf("%s: the result is empty", j.path)
	}
	if j.resultType == "vector" {
		return fmt.Errorf("%s: one instant, the answer of /api/v1/query; save the answer of /api/v1/query_range", j.path)
	}
	if len(j.warnings) > 0 {
		j.notes = append(j.notes, fmt.Sprintf("%s: the server warned of its answer, so data may be missing: %s", j.path, joined(j.warnings)))
	}
	if j.unnamed {
		j.notes = append(j.notes, j.path+": some series have no metric name; only selectors by label find them")
	}
	return nil
}

// readAnswer reads the rest of the answer's object, or of its data.
func (j *jsonReader) readAnswer() error {
	return j.object(func(key string) error {
		switch key {
		case "status":
			return j.text(&j.status)
		case "errorType":
			return j.text(&j.errorType)
		case "error":
			return j.text(&j.message)
		case "resultType":
			return j.text(&j.resultType)
		case "data":
			if err := j.open('{', "data is not that of a query; save the answer of /api/v1/query_range"); err != nil {
				return err
			}
			return j.readAnswer()
		case "result":
			return j.readResult()
		case "warnings":
			return j.readWarnings()
		case "isPartial": // of VictoriaMetrics
			token, err := j.token()
			if token == true {
				j.warnings = append(j.warnings, "isPartial: some storage nodes did not answer")
			}
			return err
		case "metric", "values", "timestamps":
			if j.export == nil {
				j.export = &exportLine{metric: map[string]string{}}
			}
			return j.readExportKey(key)
		}
		return j.skipForeign(key)
	})
}

// readWarnings keeps what the server says about its own answer.
func (j *jsonReader) readWarnings() error {
	token, err := j.token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return j.failed("warnings is not a list")
	}
	for j.dec.More() {
		var warning string
		if err := j.text(&warning); err != nil {
			return err
		}
		j.warnings = append(j.warnings[:min(len(j.warnings), limit.Listed)], quoted(warning))
	}
	return j.end()
}

func (j *jsonReader) readResult() error {
	j.result = true
	if err := j.open('[', "the result is not a list of series"); err != nil {
		return err
	}
	return j.readList()
}

// readList reads series up to the end of their list.
func (j *jsonReader) readList() error {
	j.result = true
	for j.dec.More() {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		if err := j.open('{', "a scalar or string has no series; save a query of series"); err != nil {
			return err
		}
		if err := j.readSeries(); err != nil {
			return err
		}
	}
	return j.end()
}

// flushedSamples is how many samples of a series are kept before they are
// compressed.
const flushedSamples = 1024

func (j *jsonReader) readSeries() error {
	start := j.dec.InputOffset()
	metric := map[string]string{}
	var samples []builtSample
	flush := func() error { return nil }
	err := j.object(func(key string) error {
		switch key {
		case "metric":
			err := j.metric(&metric)
			if err == nil && len(metric) > 0 {
				flush = func() error {
					if len(samples) < flushedSamples {
						return nil
					}
					err := j.add(labels.FromMap(metric), samples)
					samples = samples[:0]
					return err
				}
			}
			return err
		case "value":
			return j.sample(&samples)
		case "values":
			if err := j.open('[', "values is not a list"); err != nil {
				return err
			}
			for j.dec.More() {
				if err := j.sample(&samples); err != nil {
					return err
				}
				if err := flush(); err != nil {
					return err
				}
				if len(samples) > limit.Converted/sampleMemory {
					return j.failed("too many samples before the labels of their series; want metric before values")
				}
			}
			return j.end()
		case "histogram", "histograms":
			return j.failed("an answer of the API does not hold native histograms completely; use a TSDB snapshot or karpenter record")
		}
		return j.skipForeign(key)
	})
	if err != nil || j.foreign != "" {
		return err
	}
	if len(metric) == 0 {
		return fmt.Errorf("%s: a series without labels, which no selector finds; save the query's selectors rather than its result", position(j.path, start-1))
	}
	return j.add(labels.FromMap(metric), samples)
}

func (j *jsonReader) add(l labels.Labels, samples []builtSample) error {
	j.unnamed = j.unnamed || l.Get(labels.MetricName) == ""
	if len(samples) == 0 {
		return nil
	}
	series := j.builder.series(l)
	for _, x := range samples {
		if err := j.builder.add(series, x); err != nil {
			return fmt.Errorf("%s: %w", position(j.path, x.where), err)
		}
	}
	return nil
}

// sample reads [seconds, "value"].
func (j *jsonReader) sample(samples *[]builtSample) error {
	const form = "a sample is [seconds, \"value\"]"
	if err := j.open('[', form); err != nil {
		return err
	}
	where := j.dec.InputOffset() - 1
	seconds, err := j.token()
	if err != nil {
		return err
	}
	number, ok := seconds.(json.Number)
	if !ok {
		return j.failed(form)
	}
	t, err := milliseconds(number)
	if err != nil {
		return j.failed(err.Error())
	}
	if unit := notSeconds(t); unit != "" {
		return j.failed(fmt.Sprintf("%s lies beyond the year %d: a time in %s, but answers of the query API have seconds; divide the times", number, lastYear, unit))
	}
	var text string
	if err := j.text(&text); err != nil {
		return err
	}
	f, err := parseNumber(text)
	if err != nil {
		return j.failed(err.Error())
	}
	*samples = append(*samples, builtSample{t: t, f: f, where: where})
	if j.dec.More() {
		return j.failed(form)
	}
	return j.end()
}

func (j *jsonReader) metric(metric *map[string]string) error {
	if err := j.open('{', "metric is not a set of labels"); err != nil {
		return err
	}
	size := 0
	return j.object(func(name string) error {
		var value string
		if err := j.text(&value); err != nil {
			return err
		}
		if size += len(name) + len(value); size > limit.LabelBytes {
			return j.failed(fmt.Sprintf("the labels of a series take more than %d bytes", limit.LabelBytes))
		}
		(*metric)[name] = value
		return nil
	})
}

// object reads an open object up to its end and calls value for every key.
func (j *jsonReader) object(value func(key string) error) error {
	for j.dec.More() {
		key, err := j.token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return j.failed("expected a key")
		}
		if err := value(name); err != nil {
			return err
		}
	}
	return j.end()
}

func (j *jsonReader) token() (json.Token, error) {
	token, err := j.dec.Token()
	if err != nil {
		return nil, j.syntax(err)
	}
	return token, nil
}

func (j *jsonReader) open(delim json.Delim, otherwise string) error {
	token, err := j.token()
	if err == nil && token != delim {
		err = j.failed(otherwise)
	}
	return err
}

func (j *jsonReader) end() error {
	_, err := j.token()
	return err
}

func (j *jsonReader) text(s *string) error {
	token, err := j.token()
	if err != nil {
		return err
	}
	text, ok := token.(string)
	if !ok {
		return j.failed("expected a string")
	}
	*s = text
	return nil
}

// skipForeign is skip, but takes notice of keys of other APIs.
func (j *jsonReader) skipForeign(key string) error {
	j.foreign = cmp.Or(j.foreign, foreignAnswers[key])
	return j.skip()
}

// skip passes over a value, however long it is.
func (j *jsonReader) skip() error {
	for depth := 0; ; {
		token, err := j.token()
		if err != nil {
			return err
		}
		if key, ok := token.(string); ok && depth > 0 && !j.result {
			j.foreign = cmp.Or(j.foreign, foreignAnswers[key])
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (j *jsonReader) failed(message string) error {
	return fmt.Errorf("%s: %s", position(j.path, max(j.dec.InputOffset()-1, 0)), message)
}

func (j *jsonReader) syntax(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the JSON ends too early; the file is truncated, save it again", position(j.path, j.dec.InputOffset()))
	}
	return fmt.Errorf("%s: not JSON of a query's answer: %w", position(j.path, jsonOffset(j.dec, err)), err)
}

// milliseconds converts an API timestamp, a decimal number of seconds.
func milliseconds(n json.Number) (int64, error) {
	seconds, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.Abs(seconds) > math.MaxInt64/1000 {
		return 0, fmt.Errorf("%s is not a time in seconds", quoted(string(n)))
	}
	return int64(math.Round(seconds * 1000)), nil
}
