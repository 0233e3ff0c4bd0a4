package policy

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Number is the float64 nearest to a quantity. It does not depend on the notation,
// which an API server changes: 0.3 becomes 300m, and Quantity's own approximation
// of the two differs in the last bit.
func Number(q *resource.Quantity) float64 {
	decimal := q.DeepCopy() // AsDec changes how a quantity is held
	d := decimal.AsDec()
	value, _ := strconv.ParseFloat(d.UnscaledBig().String()+"e"+strconv.Itoa(-int(d.Scale())), 64) // out of range is ±Inf
	return value
}
