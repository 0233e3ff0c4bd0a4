package recording

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// An exportLine is a series as VictoriaMetrics' /api/v1/export writes it: labels,
// values and times in milliseconds.
type exportLine struct {
	metric map[string]string
	values []float64
	times  []int64
	// where are the places of the times.
	where []int64
}

// readExportKey reads one key of a line.
func (j *jsonReader) readExportKey(key string) error {
	line := j.export
	switch key {
	case "metric":
		return j.metric(&line.metric)
	case "values":
		return j.numbers(key, func(f float64, _ int64) { line.values = append(line.values, f) })
	}
	return j.numbers(key, func(f float64, at int64) {
		line.times, line.where = append(line.times, int64(f)), append(line.where, at)
	})
}

// readExport reads the lines after the first.
func (j *jsonReader) readExport() error {
	for {
		if err := j.addExport(); err != nil {
			return err
		}
		if err := j.ctx.Err(); err != nil {
			return err
		}
		token, err := j.dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return j.syntax(err)
		}
		if token != json.Delim('{') {
			return j.failed("a line of an export is an object")
		}
		j.export = &exportLine{metric: map[string]string{}}
		err = j.object(func(key string) error {
			switch key {
			case "metric", "values", "timestamps":
				return j.readExportKey(key)
			}
			return j.skip()
		})
		if err != nil {
			return err
		}
	}
}

// addExport adds the samples of a line.
func (j *jsonReader) addExport() error {
	line := j.export
	switch {
	case len(line.metric) == 0:
		return j.failed("a series without labels, which no selector finds")
	case len(line.values) != len(line.times):
		return j.failed(fmt.Sprintf("%d values and %d timestamps", len(line.values), len(line.times)))
	}
	samples := make([]builtSample, len(line.values))
	for i, f := range line.values {
		samples[i] = builtSample{t: line.times[i], f: f, where: line.where[i]}
		if t := line.times[i]; t < earliest*1000 || t >= latest*1000 {
			return fmt.Errorf("%s: %d: a timestamp of an export is in milliseconds, from 2000 on", position(j.path, line.where[i]), t)
		}
	}
	return j.add(labels.FromMap(line.metric), samples)
}

// numbers reads a list of numbers. VictoriaMetrics writes null for NaN, which ends a
// series there.
func (j *jsonReader) numbers(key string, visit func(f float64, at int64)) error {
	if err := j.open('[', key+" is not a list"); err != nil {
		return err
	}
	for n := 0; j.dec.More(); n++ {
		token, err := j.token()
		if err != nil {
			return err
		}
		f := math.Float64frombits(value.StaleNaN)
		switch token := token.(type) {
		case nil:
		case json.Number:
			f, err = parseNumber(string(token))
		case string:
			f, err = parseNumber(token)
		default:
			err = fmt.Errorf("%s is a list of numbers", key)
		}
		if err != nil {
			return j.failed(err.Error())
		}
		if n > limit.Converted/sampleMemory {
			return j.failed("too many samples in a line; export with max_rows_per_line")
		}
		visit(f, j.dec.InputOffset()-1)
	}
	return j.end()
}
