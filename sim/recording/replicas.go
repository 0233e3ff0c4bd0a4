package recording

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Replicas are the recorded series of a workload's replicas. A list is empty
// where a series was not recorded, and has several entries where several
// sources published it.
type Replicas struct {
	Spec, Status, Ready []labels.Labels
}

// FindReplicas picks the replica series of a workload from a list of series.
// The kind's case does not matter; other kinds than Deployment, StatefulSet
// and ReplicaSet have none.
func FindReplicas(kind, namespace, name string, series []labels.Labels) Replicas {
	w, ok := workloads[strings.ToLower(kind)]
	if !ok {
		return Replicas{}
	}
	var found Replicas
	for _, l := range series {
		if l.Get("namespace") != namespace || l.Get(w.label) != name {
			continue
		}
		switch l.Get(labels.MetricName) {
		case w.spec:
			found.Spec = append(found.Spec, l)
		case w.status:
			found.Status = append(found.Status, l)
		case w.ready:
			found.Ready = append(found.Ready, l)
		}
	}
	return found
}

// RecordedReplicas finds the replica series of a workload in recordings.
func RecordedReplicas(recordings []*Recording, kind, namespace, name string) (Replicas, error) {
	selectors := ContextSelectors(kind, namespace, name)
	var series []labels.Labels
	for _, r := range recordings {
		if len(selectors) == 0 {
			break
		}
		found, err := r.Series(Matchers(selectors))
		if err != nil {
			return Replicas{}, err
		}
		series = append(series, found...)
	}
	return FindReplicas(kind, namespace, name, series), nil
}

// StartupMedian is the median time from the creation of a workload's pods to
// their being ready for the first time, and the number of pods it is taken
// from. With none it is 0.
func StartupMedian(recordings []*Recording, namespace, name string) (time.Duration, int, error) {
	created, ready := map[string]float64{}, map[string]float64{}
	for _, r := range recordings {
		if err := r.firstValues(podMatchers(podCreated, namespace, name), created); err != nil {
			return 0, 0, err
		}
		if err := r.firstValues(podMatchers(podReady, namespace, name), ready); err != nil {
			return 0, 0, err
		}
	}
	var seconds []float64
	for pod, at := range ready {
		if from, ok := created[pod]; ok && at >= from {
			seconds = append(seconds, at-from)
		}
	}
	if len(seconds) == 0 {
		return 0, 0, nil
	}
	slices.Sort(seconds)
	return time.Duration(seconds[(len(seconds)-1)/2] * float64(time.Second)), len(seconds), nil
}

// firstValues adds each pod's first value. The values are instants, so scale
// does not apply to them.
func (r *Recording) firstValues(matchers []*labels.Matcher, values map[string]float64) error {
	feed, err := r.source.feed([][]*labels.Matcher{matchers}, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer feed.Close()
	return eachSample(feed, func(s sampleOf) error {
		pod := s.labels.Get("pod")
		// 0 and NaN stand for pods that were not ready yet.
		if _, ok := values[pod]; !ok && s.F > 0 {
			values[pod] = s.F
		}
		return nil
	})
}
