package fake

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
)

// serveRead answers remote reads with samples: unlike queries they keep
// timestamps and stale markers.
func serveRead(p *Prometheus, w http.ResponseWriter, r *http.Request) {
	request, err := decodeRead(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	response, err := p.read(request)
	p.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := response.Marshal()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Content-Encoding", "snappy")
	_, _ = w.Write(snappy.Encode(nil, body))
}

func decodeRead(body io.Reader) (*prompb.ReadRequest, error) {
	compressed, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	size, err := snappy.DecodedLen(compressed)
	if err != nil {
		return nil, err
	}
	if size > maxRequestBytes {
		return nil, fmt.Errorf("the request has %d bytes; at most %d are possible", size, maxRequestBytes)
	}
	raw, err := snappy.Decode(nil, compressed)
	if err != nil {
		return nil, err
	}
	request := &prompb.ReadRequest{}
	if err := request.Unmarshal(raw); err != nil {
		return nil, err
	}
	accepted := request.AcceptedResponseTypes
	if len(accepted) > 0 && !slices.Contains(accepted, prompb.ReadRequest_SAMPLES) {
		return nil, errors.New("only sampled responses are supported")
	}
	return request, nil
}

// read collects the samples that a remote read asks for.
func (p *Prometheus) read(request *prompb.ReadRequest) (*prompb.ReadResponse, error) {
	response := &prompb.ReadResponse{}
	for _, query := range request.Queries {
		matchers, err := readMatchers(query.Matchers)
		if err != nil {
			return nil, err
		}
		if query.StartTimestampMs < p.store.pruned {
			return nil, fmt.Errorf("samples before %s have been dropped", formatTime(p.store.pruned))
		}
		result := &prompb.QueryResult{}
		for _, v := range p.store.selection(matchers).views {
			if series := readSeries(v.data, query.StartTimestampMs, query.EndTimestampMs); series != nil {
				result.Timeseries = append(result.Timeseries, series)
			}
		}
		response.Results = append(response.Results, result)
	}
	return response, nil
}

var readMatchTypes = map[prompb.LabelMatcher_Type]labels.MatchType{
	prompb.LabelMatcher_EQ:  labels.MatchEqual,
	prompb.LabelMatcher_NEQ: labels.MatchNotEqual,
	prompb.LabelMatcher_RE:  labels.MatchRegexp,
	prompb.LabelMatcher_NRE: labels.MatchNotRegexp,
}

func readMatchers(in []*prompb.LabelMatcher) ([]*labels.Matcher, error) {
	var out []*labels.Matcher
	for _, m := range in {
		kind, ok := readMatchTypes[m.Type]
		if !ok {
			return nil, fmt.Errorf("invalid matcher type %d", m.Type)
		}
		matcher, err := labels.NewMatcher(kind, m.Name, m.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, matcher)
	}
	return out, nil
}

// readSeries returns a series' samples in [mint, maxt], nil if it has none.
func readSeries(d *samples, mint, maxt int64) *prompb.TimeSeries {
	from, to := d.between(mint, maxt)
	if from == to {
		return nil
	}
	out := &prompb.TimeSeries{Labels: prompb.FromLabels(d.labels, nil)}
	for i := from; i < to; i++ {
		if d.histograms != nil && d.histograms[i] != nil {
			out.Histograms = append(out.Histograms, prompb.FromFloatHistogram(d.times[i], d.histograms[i]))
		} else {
			out.Samples = append(out.Samples, prompb.Sample{Timestamp: d.times[i], Value: d.floats[i]})
		}
	}
	return out
}
