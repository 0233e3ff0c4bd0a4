package simtoreal

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Service is one that requests really arrive at, and how its replicas are judged.
type Service struct {
	// Name is the namespace, Kind says by what its policies scale.
	Name, Kind string
	// Arrivals is the PromQL of the requests a second, Capacity what a replica serves.
	Arrivals string
	Capacity float64
	// Lag is how far behind what arrives Arrivals is, as --demand-lag takes it.
	Lag string
	// ScrapeInterval is the controller's flag of that name.
	ScrapeInterval string
	// Policies are the names of its policies.
	Policies []string
}

// A Run holds what happened to a service under a policy.
type Run struct {
	// Start is when the load began, in Unix seconds.
	Start float64
	// Rate is the load of each second from then on, in requests a second: what the
	// generator drew arrivals from.
	Rate []float64
	// Arrived, Served, Refused and Late count the requests.
	Arrived, Served, Refused, Late int
	// Spec and Ready are the counts asked for and serving, as watched.
	Spec, Ready Steps
}

// Figures has the figures that predictions are judged by.
type Figures struct {
	// Breach is the time with fewer ready replicas than needed, in minutes; Lack is
	// the integral of the missing ones, Hours of those asked for, in replica-hours.
	Breach, Lack, Hours float64
}

// Truth measures a run between two offsets from its start, in seconds. Needed are
// as many replicas as serve the load, rounded up.
func (r *Run) Truth(from, to, capacity float64) Figures {
	var f Figures
	const step = 0.1
	for at := from; at < to-step/2; at += step {
		needed := int(math.Ceil(r.Rate[min(int(at), len(r.Rate)-1)]/capacity - 1e-9))
		if missing := needed - r.Ready.At(r.Start+at); missing > 0 {
			f.Breach += step / 60
			f.Lack += step * float64(missing) / 3600
		}
		f.Hours += step * float64(r.Spec.At(r.Start+at)) / 3600
	}
	return f
}

// A Prediction holds what a recording under one policy says about another, and what
// came of both.
type Prediction struct {
	Service, Kind, From, To string
	// Why says why nothing is ranked; empty where it is.
	Why string
	// Began are the counts asked for in both runs when the replay begins.
	Began [2]int
	// Current and Variant are predicted, Recorded and Real measured, over the same time.
	Current, Variant, Recorded, Real Figures
}

// Predict asks the recording of each policy of a service about all others. With
// named, karpenter is told what arrived and what a replica can serve.
func Predict(directory, work string, named bool, karpenter Karpenter) ([]Prediction, error) {
	var service Service
	if err := Read(filepath.Join(directory, "service.json"), &service); err != nil {
		return nil, err
	}
	runs := map[string]*Run{}
	for _, policy := range service.Policies {
		runs[policy] = &Run{}
		if err := Read(filepath.Join(directory, policy+".json"), runs[policy]); err != nil {
			return nil, err
		}
	}
	var all []Prediction
	for _, from := range service.Policies {
		out := filepath.Join(work, service.Name+"-"+from)
		arguments := []string{
			"replay", "--quiet", "--name", "run", "--scrape-interval", service.ScrapeInterval, "-f", filepath.Join(directory, from+".yaml"),
			"--recording", filepath.Join(directory, from+".om.gz"), "--out", out,
		}
		if named {
			arguments = append(arguments, "--demand", service.Arrivals, "--capacity", fmt.Sprint(service.Capacity), "--demand-lag", service.Lag)
		}
		for _, to := range service.Policies {
			if to != from {
				arguments = append(arguments, "--variant", to+"="+filepath.Join(directory, to+".yaml"))
			}
		}
		if _, err := karpenter(arguments...); err != nil {
			return nil, fmt.Errorf("%s: %w", service.Name, err)
		}
		report, err := readReport(filepath.Join(out, "run", "report.json"))
		if err != nil {
			return nil, err
		}
		start, end := float64(report.Start.Unix())-runs[from].Start, float64(report.End.Unix())-runs[from].Start
		for _, to := range service.Policies {
			if to == from {
				continue
			}
			p := Prediction{
				Service: service.Name, Kind: service.Kind, From: from, To: to,
				Began:   [2]int{runs[from].Spec.At(runs[from].Start + start), runs[to].Spec.At(runs[to].Start + start)},
				Current: report.figures("current"), Variant: report.figures(to),
				Recorded: runs[from].Truth(start, end, service.Capacity), Real: runs[to].Truth(start, end, service.Capacity),
			}
			if !strings.HasPrefix(report.Trade, "Of ") && !strings.HasPrefix(report.Trade, "No variant ") && !strings.HasPrefix(report.Trade, "Variant ") {
				p.Why = report.Trade
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// A report holds what is read of report.json.
type report struct {
	Trade      string
	Start, End time.Time
	Columns    []struct {
		Name    string
		Figures map[string]float64
	}
}

func readReport(path string) (*report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &report{}
	return r, json.Unmarshal(text, r)
}

func (r *report) figures(column string) Figures {
	for _, c := range r.Columns {
		if c.Name == column {
			return Figures{Breach: c.Figures["breach_minutes"], Lack: c.Figures["under_replica_hours"], Hours: c.Figures["replica_hours"]}
		}
	}
	return Figures{math.NaN(), math.NaN(), math.NaN()}
}

// A Summary counts predictions.
type Summary struct {
	Kind string
	// Pairs are all, Abstained those of which nothing was ranked.
	Pairs, Abstained int
	// Elsewhere are ranked pairs of runs that had other counts when the replay begins. A
	// prediction is of a policy that takes over at the recorded count, and what came of one
	// that began elsewhere does not say whether it was right: they are in no ranking.
	Elsewhere int
	// Lack, Breach and Hours are the rankings by each figure.
	Lack, Breach, Hours Ranking
}

// A Ranking says how often a figure puts two policies in their true order.
type Ranking struct {
	// Differ are ranked pairs whose true figures are further apart than those of two runs
	// of the same policy ever were, Right those that were predicted in that order.
	Differ, Right int
	// Noise is how far two runs of the same policy are apart: the median and the largest.
	Noise, NoiseMost float64
	// Error is the distance of predictions from what came of them: median, 95 %.
	Error, ErrorP95 float64
}

// Summarize counts the predictions of services of which each was run several times,
// under names that differ in what follows the last hyphen.
func Summarize(kind string, predictions []Prediction) Summary {
	s := Summary{Kind: kind, Pairs: len(predictions)}
	var ranked []Prediction
	for _, p := range predictions {
		if p.Why != "" {
			s.Abstained++
			continue
		}
		if p.Began[0] != p.Began[1] {
			s.Elsewhere++
			continue
		}
		ranked = append(ranked, p)
	}
	rank := func(figure func(Figures) float64) Ranking {
		r := Ranking{}
		noise := repeats(predictions, figure)
		var distances, errors []float64
		for _, ds := range noise {
			distances = append(distances, ds...)
		}
		r.Noise, r.NoiseMost = quantile(distances, 0.5), quantile(distances, 1)
		for _, p := range ranked {
			errors = append(errors, math.Abs(figure(p.Variant)-figure(p.Real)))
			change := figure(p.Real) - figure(p.Recorded)
			if math.Abs(change) <= quantile(noise[shape(p.Service)], 1) {
				continue
			}
			r.Differ++
			if predicted := figure(p.Variant) - figure(p.Current); predicted*change > 0 {
				r.Right++
			}
		}
		r.Error, r.ErrorP95 = quantile(errors, 0.5), quantile(errors, 0.95)
		return r
	}
	s.Lack = rank(func(f Figures) float64 { return f.Lack })
	s.Breach = rank(func(f Figures) float64 { return f.Breach })
	s.Hours = rank(func(f Figures) float64 { return f.Hours })
	return s
}

// shape is a service's name without the number of its repetition.
func shape(service string) string { return service[:strings.LastIndex(service, "-")] }

// repeats are the distances of a figure between two runs of a policy, by shape.
func repeats(predictions []Prediction, figure func(Figures) float64) map[string][]float64 {
	type run struct{ shape, policy string }
	values := map[run]map[string]float64{}
	for _, p := range predictions {
		of := run{shape(p.Service), p.From}
		if values[of] == nil {
			values[of] = map[string]float64{}
		}
		values[of][p.Service] = figure(p.Recorded)
	}
	distances := map[string][]float64{}
	for of, runs := range values {
		least, most := math.Inf(1), math.Inf(-1)
		for _, v := range runs {
			least, most = min(least, v), max(most, v)
		}
		if len(runs) > 1 {
			distances[of.shape] = append(distances[of.shape], most-least)
		}
	}
	return distances
}

// quantile is the value that a share does not exceed, 0 of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(math.Ceil(share*float64(len(sorted))))-1]
}
