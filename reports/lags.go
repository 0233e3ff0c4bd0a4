package reports

// A lag is a part of the time in which the supply catches up with the demand.
type lag int

// The lags: the whole, and its parts.
const (
	wholeLag lag = iota
	metricLag
	decisionLag
	providerLag
	lagCount
)

// lags measures every stretch in which fewer replicas served than were needed:
// how long it took, and what for.
type lags struct {
	open    [lagCount]int64 // seconds of the stretch that lasts
	lengths [lagCount]durations
}

func newLags() lags {
	var l lags
	for i := range l.lengths {
		l.lengths[i] = durations{}
	}
	return l
}

func (l *lags) add(o *lags) {
	for i := range l.lengths {
		l.lengths[i].merge(o.lengths[i])
	}
}

// lack adds seconds of a stretch and the part that they belong to.
func (l *lags) lack(seconds int64, part lag) {
	l.open[wholeLag] += seconds
	if part != wholeLag {
		l.open[part] += seconds
	}
}

// restored ends the stretch.
func (l *lags) restored(partsKnown bool) {
	if l.open[wholeLag] == 0 {
		return
	}
	for i := range l.open {
		if lag(i) == wholeLag || partsKnown {
			l.lengths[i][l.open[i]]++
		}
	}
	l.open = [lagCount]int64{}
}

// lagOf finds what the supply waits for: the metrics to ask for what is needed,
// the decision to follow them, or the replicas to be there.
func lagOf(needed, asked float64, d *decision) lag {
	switch {
	case asked >= needed:
		return providerLag
	case d == nil:
		return metricLag
	case d.known && !d.dryRun && d.desired >= needed:
		return providerLag
	case d.known && d.recommending && d.recommended >= needed:
		return decisionLag
	}
	return metricLag
}
