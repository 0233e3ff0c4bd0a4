package reports

import "math"

// A score is the sums from which the figures of an object, or of all objects of
// a column, are made. Times are whole seconds, so that their order of addition
// does not matter.
type score struct {
	seconds, scored              int64   // of the run; with demand and supply known
	lacking, spare               int64   // scored time with r < d and with r > d
	held                         codes   // time under decisions that had nothing to go by, by what was wrong
	unjudged                     codes   // time in which demand or supply is not known, likewise
	asked, ready                 float64 // replica-seconds
	under, over                  float64 // replica-seconds
	underShare, overShare        float64 // seconds x share of the demand
	largest, smallest            float64 // of the replicas asked for; NaN where unknown
	askedKnown, readyKnown       bool
	ups, downs, reversals        int64
	changesKnown, decisionsKnown bool
	cost                         float64
	priced                       bool
	slack                        map[float64]int64 // seconds by share of spare replicas
	causes                       map[reason]int64
	episodes, longest            int64
	stale                        int64   // time under decisions without all their data, or overdue
	billed                       float64 // replica-hours
	billedKnown                  bool
	motion                       motion
	lags                         lags
	saturated                    int64 // time in which the recording hides demand
	saturatedKnown               bool
	regret                       regret
}

func newScore() score {
	return score{largest: math.NaN(), smallest: math.NaN(), slack: map[float64]int64{}, held: codes{}, unjudged: codes{}, causes: map[reason]int64{}, motion: newMotion(), lags: newLags()}
}

// add merges another object's score.
func (s *score) add(o *score) {
	s.seconds += o.seconds
	s.scored += o.scored
	s.lacking += o.lacking
	s.spare += o.spare
	s.held.merge(o.held)
	s.unjudged.merge(o.unjudged)
	s.asked += o.asked
	s.ready += o.ready
	s.under += o.under
	s.over += o.over
	s.underShare += o.underShare
	s.overShare += o.overShare
	s.askedKnown = s.askedKnown || o.askedKnown
	s.readyKnown = s.readyKnown || o.readyKnown
	s.count(o.largest)
	s.count(o.smallest)
	s.ups += o.ups
	s.downs += o.downs
	s.reversals += o.reversals
	s.changesKnown = s.changesKnown || o.changesKnown
	s.decisionsKnown = s.decisionsKnown || o.decisionsKnown
	s.cost += o.cost
	s.priced = s.priced || o.priced
	for share, seconds := range o.slack {
		s.slack[share] += seconds
	}
	for why, seconds := range o.causes {
		s.causes[why] += seconds
	}
	s.episodes += o.episodes
	s.longest = max(s.longest, o.longest)
	s.stale += o.stale
	s.billed += o.billed
	s.billedKnown = s.billedKnown || o.billedKnown
	s.motion.add(&o.motion)
	s.lags.add(&o.lags)
	s.regret.add(&o.regret)
	s.saturated += o.saturated
	s.saturatedKnown = s.saturatedKnown || o.saturatedKnown
}

// count notes a number of replicas for the largest and the smallest.
func (s *score) count(n float64) {
	if math.IsNaN(n) {
		return
	}
	if math.IsNaN(s.largest) || n > s.largest {
		s.largest = n
	}
	if math.IsNaN(s.smallest) || n < s.smallest {
		s.smallest = n
	}
}

// supply adds seconds of replicas asked for and ready.
func (s *score) supply(seconds int64, asked, ready float64) {
	s.seconds += seconds
	s.count(asked)
	if !math.IsNaN(asked) {
		s.askedKnown = true
		s.asked += float64(asked * float64(seconds))
	}
	if !math.IsNaN(ready) {
		s.readyKnown = true
		s.ready += float64(ready * float64(seconds))
	}
}

// compare adds seconds in which demand and supply are known, and says whether
// capacity was lacking. A demand below one replica counts as one in shares.
func (s *score) compare(seconds int64, needed, ready float64) bool {
	s.scored += seconds
	time := float64(seconds)
	if ready > 0 {
		s.slack[max(ready-needed, 0)/ready] += seconds
	} else {
		s.slack[0] += seconds
	}
	switch {
	case ready < needed:
		s.lacking += seconds
		s.under += float64((needed - ready) * time)
		s.underShare += float64((needed - ready) / max(needed, 1) * time)
		return true
	case ready > needed:
		s.spare += seconds
		s.over += float64((ready - needed) * time)
		s.overShare += float64((ready - needed) / max(needed, 1) * time)
	}
	return false
}

// changes counts changes of the decided count: direction, and reversals within
// fifteen minutes of the change before.
type changes struct {
	last      float64 // NaN before the first
	direction int     // of the last change
	at        int64   // of the last change
}

// reversalWindow is how soon, in seconds, an opposite change counts as a reversal.
const reversalWindow = 15 * 60

// to notes the count decided at t; counted says whether t belongs to the run.
func (c *changes) to(t int64, n float64, s *score, counted bool) {
	last := c.last
	c.last = n
	if math.IsNaN(n) || math.IsNaN(last) || n == last {
		return
	}
	direction := 1
	if n < last {
		direction = -1
	}
	if counted {
		if direction > 0 {
			s.ups++
		} else {
			s.downs++
		}
		if c.direction == -direction && t-c.at <= reversalWindow {
			s.reversals++
		}
	}
	c.direction, c.at = direction, t
}
