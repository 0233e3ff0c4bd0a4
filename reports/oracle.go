package reports

import "math"

// An oracle knows the demand in advance, but its replicas take as long to start
// as anybody's: it asks for the largest demand over the next boot delay, and
// starts with what was ready. It follows no policy and no bounds, and it is not
// the cheapest course: no optimiser could lack less capacity, some could pay less.
type oracle struct{ asked, ready Steps }

// newOracle is the oracle of an object's demand over [start, end). Where the
// demand is unknown it counts as the last known, before that as the first.
func newOracle(o *Object, start, end int64) oracle {
	needed := holdUnknown(roundedUp(o.Needed), start, end)
	asked := slide(needed, 0, o.BootDelay, func(a, b float64) bool { return a > b }).From(start)
	ready := slide(asked, o.BootDelay, 0, func(a, b float64) bool { return a < b })
	return oracle{asked: asked, ready: atMost(ready, o.Ready.At(start), start+o.BootDelay)}
}

// holdUnknown is the function between start and end with every gap filled by
// the value before it; the first by that after it.
func holdUnknown(s Steps, start, end int64) Steps {
	var held Steps
	for _, part := range segmentsOf(s) {
		if part.to <= start || part.from >= end {
			continue
		}
		from := max(part.from, start)
		if len(held.T) == 0 {
			from = start
		}
		held.Append(from, part.value)
	}
	return held
}

// atMost is the function held below a limit until an instant. An unknown limit
// is none.
func atMost(s Steps, limit float64, until int64) Steps {
	if math.IsNaN(limit) {
		return s
	}
	var out Steps
	done := false
	for i, t := range s.T {
		if t >= until && !done {
			out.Append(until, s.At(until))
			done = true
		}
		if t < until {
			out.Append(t, min(s.V[i], limit))
		} else {
			out.Append(t, s.V[i])
		}
	}
	if !done && len(s.T) > 0 {
		out.Append(until, s.At(until))
	}
	return out
}

// regret holds what an object paid and lacked above its oracle, in scored time.
type regret struct {
	hours, cost   float64
	lacking       int64 // seconds
	known, priced bool
}

func (r *regret) add(o *regret) {
	r.hours += o.hours
	r.cost += o.cost
	r.lacking += o.lacking
	r.known = r.known || o.known
	r.priced = r.priced || o.priced
}

// regretOf compares an object with its oracle where demand and supply are known.
func regretOf(o *Object, needed Steps, start, end int64) regret {
	best := newOracle(o, start, end)
	own, its := biller{billing: o.Billing}, biller{billing: o.Billing}
	var r regret
	walk(start, end, []Steps{needed, o.Ready, o.Spec, best.asked, best.ready, o.Paid}, func(from, to int64, v []float64) {
		if math.IsNaN(v[0]) || math.IsNaN(v[1]) {
			own.to(from, math.NaN())
			its.to(from, math.NaN())
			return
		}
		own.to(from, paid(v[5], v[2], v[1]))
		its.to(from, paid(math.NaN(), v[3], v[4]))
		if v[1] < v[0] {
			r.lacking += to - from
		}
		if v[4] < v[0] {
			r.lacking -= to - from
		}
	})
	r.known = own.known
	if !r.known {
		return r
	}
	r.hours = own.hours(end) - its.hours(end)
	if o.Price > 0 {
		r.priced, r.cost = true, r.hours*o.Price
	}
	return r
}
