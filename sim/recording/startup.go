package recording

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

// StartupMedian is the median time from the creation of a workload's pods to
// their being ready for the first time, and the number of pods it is taken
// from. With none it is 0. The pods are those with names as Kubernetes gives them
// to a workload of this kind; if there are none, those whose names begin alike.
func StartupMedian(recordings []*Recording, kind, namespace, name string) (time.Duration, int, error) {
	created, ready := map[string]float64{}, map[string]float64{}
	for _, r := range recordings {
		if err := r.firstValues(podMatchers(podCreated, namespace, name), created); err != nil {
			return 0, 0, err
		}
		if err := r.firstValues(podMatchers(podReady, namespace, name), ready); err != nil {
			return 0, 0, err
		}
	}
	if pattern, exact := convert.PodNames(kind, name); exact {
		onlyOwn(ready, regexp.MustCompile("^(?:"+pattern+")$"))
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

// onlyOwn leaves the pods whose names fit, if there are any.
func onlyOwn(pods map[string]float64, own *regexp.Regexp) {
	fits := func(pod string) bool { return own.MatchString(pod) }
	if !slices.ContainsFunc(slices.Collect(maps.Keys(pods)), fits) {
		return
	}
	maps.DeleteFunc(pods, func(pod string, _ float64) bool { return !fits(pod) })
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
