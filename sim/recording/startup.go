package recording

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

// A Startup is how long a recorded pod took to become ready for the first time.
type Startup struct {
	// Wait is from its creation until it was scheduled to a node, 0 where that was
	// not recorded; Boot is from then on until it was ready.
	Wait, Boot time.Duration
}

// Total is from the pod's creation until it was ready.
func (s Startup) Total() time.Duration { return s.Wait + s.Boot }

// Startups holds how long the pods of a workload took to start.
type Startups struct {
	// Pods are in ascending order of their totals; none where nothing was recorded.
	Pods []Startup
	// Older says that all the pods were created before the recording begins. One
	// of them that has not been ready all the time counts from its creation until
	// the last time that it became ready, so that only the median means something.
	Older bool
}

// Median is the start-up of the pod in the middle; the lower of two.
func (s *Startups) Median() Startup { return s.Pods[(len(s.Pods)-1)/2] }

// A pod is told by its UID, too: those of a StatefulSet come again by name.
type pod struct{ name, uid string }

// StartupsOf are the start-ups of a workload's pods: of those created while it was
// recorded, else of all. The pods are those with names as Kubernetes gives them to
// a workload of this kind; if there are none, those whose names begin alike.
func StartupsOf(recordings []*Recording, kind, namespace, name string) (Startups, error) {
	instants := map[string]map[pod]float64{podCreated: {}, podScheduled: {}, podReady: {}}
	begin := int64(math.MaxInt64)
	for _, r := range recordings {
		for _, metric := range podInstants {
			first, err := r.firstValues(podMatchers(metric, namespace, name), instants[metric])
			if err != nil {
				return Startups{}, err
			}
			if metric == podCreated {
				begin = min(begin, first)
			}
		}
	}
	created, ready := instants[podCreated], instants[podReady]
	if pattern, exact := convert.PodNames(kind, name); exact {
		onlyOwn(ready, regexp.MustCompile("^(?:"+pattern+")$"))
	}
	var within, older []Startup
	for p, at := range ready {
		from, ok := created[p]
		if !ok || !(at >= from && at-from <= maxGap.Seconds()) {
			continue
		}
		s := Startup{Boot: elapsed(at - from)}
		if scheduled := instants[podScheduled][p]; scheduled >= from && scheduled <= at {
			s = Startup{Wait: elapsed(scheduled - from), Boot: elapsed(at - scheduled)}
		}
		if from*1000 >= float64(begin) {
			within = append(within, s)
		} else {
			older = append(older, s)
		}
	}
	out := Startups{Pods: within}
	if len(within) == 0 {
		out = Startups{Pods: older, Older: len(older) > 0}
	}
	slices.SortFunc(out.Pods, func(a, b Startup) int {
		return cmp.Or(cmp.Compare(a.Total(), b.Total()), cmp.Compare(a.Wait, b.Wait))
	})
	return out, nil
}

// elapsed is a duration in whole milliseconds: instants in floating seconds are no
// more exact.
func elapsed(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// onlyOwn leaves the pods whose names fit, if there are any.
func onlyOwn(pods map[pod]float64, own *regexp.Regexp) {
	fits := func(p pod) bool { return own.MatchString(p.name) }
	if !slices.ContainsFunc(slices.Collect(maps.Keys(pods)), fits) {
		return
	}
	maps.DeleteFunc(pods, func(p pod, _ float64) bool { return !fits(p) })
}

// firstValues adds each pod's first value and returns when the first sample was
// taken. The values are instants, so scale does not apply to them; nor does
// shift, which moves samples only.
func (r *Recording) firstValues(matchers []*labels.Matcher, values map[pod]float64) (first int64, err error) {
	first = math.MaxInt64
	feed, err := r.source.feed([][]*labels.Matcher{matchers}, math.MinInt64, math.MaxInt64)
	if err != nil {
		return first, err
	}
	defer feed.Close()
	return first, eachSample(feed, func(s sampleOf) error {
		first = min(first, s.T)
		p := pod{s.labels.Get("pod"), s.labels.Get("uid")}
		// 0 and NaN stand for pods that were not there yet.
		if _, ok := values[p]; !ok && s.F > 0 {
			values[p] = s.F
		}
		return nil
	})
}
