package replay

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Options say what is replayed and how, as the flags of karpenter replay do.
type Options struct {
	Conversion
	// EnforceLabel is the label that every selector gets, as in the controller; empty
	// for none.
	EnforceLabel string
	// Manifests are files and directories, Recordings files and blocks.
	Manifests, Recordings []string
	// Series are COLUMN=SERIES of CSVs, Replicas [NS/]KIND/NAME=PROMQL of recorded ready
	// replicas, Targets [NS/]KIND/NAME=N of counts at the start, Variants NAME=FILE or
	// NAME=PATH=VALUE, Labels NAME=VALUE that recorded series must have.
	Series, Replicas, Targets, Variants, Labels []string
	// Prices say what a replica costs an hour: PRICE of all targets, or [NS/]KIND/NAME=PRICE.
	Prices []string
	// Name is that of the run, the first autoscaler's if empty.
	Name string
	// Zone is the time zone of CSV times without an offset, and of the report.
	Zone string
	// TimeColumn and TimeLayout say which column of a CSV has the times, and how they
	// are written; empty where they are found.
	TimeColumn, TimeLayout string
	// Lookback, ReadyAfter and ScrapeInterval are durations, or empty; ReadyAfter may be
	// "recorded", and ScrapeInterval is the controller's.
	Lookback, ReadyAfter, ScrapeInterval string
	// Demand is the PromQL of what arrives, in units of which one replica serves
	// Capacity; empty and 0 where it is not known.
	Demand   string
	Capacity float64
	// DemandLag is how far before its instant lies the demand that Demand shows.
	DemandLag time.Duration
	// Scale multiplies the demand.
	Scale float64
	// Saturation is the largest value that one replica can show of a Utilization
	// metric; 0 if that is to be found.
	Saturation float64
	// OpenLoop replays metrics that depend on replicas as recorded.
	OpenLoop bool
	// Cache, if set, keeps what recordings are converted to.
	Cache *recording.Cache
}

// Enforced reads EnforceLabel.
func (o *Options) Enforced() (promql.Label, error) { return EnforcedLabel(o.EnforceLabel) }

// EnforcedLabel reads the name of the label that every selector gets.
func EnforcedLabel(name string) (promql.Label, error) {
	l, err := promql.ParseLabel(name)
	if err != nil {
		return "", fmt.Errorf("--enforce-label %w", err)
	}
	return l, nil
}

func (o *Options) location() (*time.Location, error) {
	location, err := scenario.ParseZone(o.Zone)
	if err != nil {
		return nil, fmt.Errorf("--tz %w", err)
	}
	return location, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
