package recording

import (
	"io"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A sampleOf is a sample with the labels of its series.
type sampleOf struct {
	fake.Sample
	labels labels.Labels
}

// eachSample calls visit for every sample of a feed.
func eachSample(feed fake.Feed, visit func(sampleOf) error) error {
	for {
		s, err := feed.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(sampleOf{Sample: s, labels: feed.Labels(s.Series)}); err != nil {
			return err
		}
	}
}
