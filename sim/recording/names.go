package recording

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// Names lists the metric names in recordings, sorted and each once. At most
// limit names are returned; more is the number of those left out.
func Names(recordings []*Recording, limit int) (names []string, more int, err error) {
	for _, r := range recordings {
		series, err := r.Series(nil)
		if err != nil {
			return nil, 0, err
		}
		for _, l := range series {
			names = append(names, l.Get(labels.MetricName))
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	if len(names) > limit {
		return names[:limit], len(names) - limit, nil
	}
	return names, 0, nil
}

// CheckDistinct refuses recordings that have a series in common: samples of two
// origins would be mixed into one.
func CheckDistinct(recordings []*Recording) error {
	if len(recordings) < 2 {
		return nil
	}
	origin := map[uint64][]labelledBy{}
	for _, r := range recordings {
		series, err := r.Series(nil)
		if err != nil {
			return err
		}
		for _, l := range series {
			hash := l.Hash()
			for _, other := range origin[hash] {
				if other.recording != r && labels.Equal(other.labels, l) {
					return inCommon(other.recording, r, l)
				}
			}
			origin[hash] = append(origin[hash], labelledBy{l, r})
		}
	}
	return nil
}

type labelledBy struct {
	labels    labels.Labels
	recording *Recording
}

func inCommon(first, second *Recording, series labels.Labels) error {
	cure := "leave one out, or put blocks into one directory"
	if first.info.Format == CSV || second.info.Format == CSV {
		cure = `name the columns apart with --series COLUMN='name{label="x"}'`
	}
	return fmt.Errorf("%s and %s both have the series %s; %s", first.info.Path, second.info.Path, shown(series), cure)
}
