package simtoreal

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// WriteTables compares all recordings below a directory and writes what came of it
// as two Markdown tables. It uses work for files of its own.
func WriteTables(w io.Writer, directory, work string, karpenter Karpenter) error {
	trials, err := filepath.Glob(filepath.Join(directory, "decisions", "*", TrialFile))
	if err != nil {
		return err
	}
	if len(trials) > 0 {
		fmt.Fprint(w, "| policy | replay: slots equal | closed loop: changes within one slot and one replica | HPA: largest difference | for | at the HPA's own instants: decisions equal | largest difference |\n")
		fmt.Fprint(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	}
	for _, file := range trials {
		d, err := CompareDecisions(filepath.Dir(file), work, karpenter)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %d s | %s | %d |\n", d.Name, share(d.Equal, d.Slots), share(d.Close, d.Changes), d.Apart, d.ApartSeconds, share(d.Alike, d.Ticks), d.Residual)
	}
	summaries, err := Predictions(directory, work, karpenter)
	if err != nil || len(summaries) == 0 {
		return err
	}
	fmt.Fprint(w, "\n| recording | pairs | abstained | began elsewhere | lack: ranked right | breach minutes: ranked right | error, median and 95 % | two runs of the same, median and most | replica-hours: ranked right | error | two runs of the same |\n")
	fmt.Fprint(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, s := range summaries {
		fmt.Fprintf(w, "| %s | %d | %s | %d | %s | %s | %s | %s | %s | %s | %s |\n", s.Kind, s.Pairs, share(s.Abstained, s.Pairs), s.Elsewhere,
			share(s.Lack.Right, s.Lack.Differ),
			share(s.Breach.Right, s.Breach.Differ), two(s.Breach.Error, s.Breach.ErrorP95), two(s.Breach.Noise, s.Breach.NoiseMost),
			share(s.Hours.Right, s.Hours.Differ), two(s.Hours.Error, s.Hours.ErrorP95), two(s.Hours.Noise, s.Hours.NoiseMost))
	}
	return nil
}

// Predictions summarizes what the recordings below a directory predict: by kind of
// policy, where utilization is asked about with and without the arrivals named.
func Predictions(directory, work string, karpenter Karpenter) ([]Summary, error) {
	services, err := filepath.Glob(filepath.Join(directory, "predictions", "*", "service.json"))
	if err != nil {
		return nil, err
	}
	byKind := map[string][]Prediction{}
	var kinds []string
	for _, file := range services {
		for _, named := range []bool{true, false} {
			if !named && !metricOfReplicas(file) {
				continue // without the arrivals a total is measured by its target, not by a capacity
			}
			predictions, err := Predict(filepath.Dir(file), filepath.Join(work, fmt.Sprint(named)), named, karpenter)
			if err != nil {
				return nil, err
			}
			kind := predictions[0].Kind + ", arrivals named"
			if !named {
				kind = predictions[0].Kind + " alone"
			}
			if byKind[kind] == nil {
				kinds = append(kinds, kind)
			}
			byKind[kind] = append(byKind[kind], predictions...)
		}
	}
	slices.Sort(kinds)
	var summaries []Summary
	for _, kind := range kinds {
		summaries = append(summaries, Summarize(kind, byKind[kind]))
	}
	return summaries, nil
}

// metricOfReplicas says whether a service's policies scale by a metric that depends on
// the replicas.
func metricOfReplicas(file string) bool {
	var s Service
	return Read(file, &s) == nil && s.Kind != "requests"
}

func share(part, of int) string {
	if of == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d, %.1f %%", part, of, 100*float64(part)/float64(of))
}

func two(a, b float64) string { return fmt.Sprintf("%.2f, %.2f", a, b) }
