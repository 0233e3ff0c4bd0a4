package behavior

// Bound keeps a count within [low, high]. It acts at once, whatever windows and
// policies say; only a pause comes after it.
func Bound(wanted, low, high int32) (int32, Limit) {
	switch {
	case wanted > high:
		return high, Limit{Stage: Bounds, Direction: Up, Policy: -1}
	case wanted < low:
		return low, Limit{Stage: Bounds, Direction: Down, Policy: -1}
	}
	return wanted, Limit{}
}
