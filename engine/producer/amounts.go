package producer

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A vector holds amounts by the index of their resource: cpu in thousandths,
// everything else in its own unit. No amount is negative; all saturate.
type vector []int64

// dimensions number the resources that any pod requests.
type dimensions struct {
	names []corev1.ResourceName
	index map[corev1.ResourceName]int
	// list has the requests of the last pod.
	list corev1.ResourceList
}

// pods is the index of the resource of which every pod requests one.
const pods = 0

func newDimensions() *dimensions {
	d := &dimensions{index: map[corev1.ResourceName]int{}}
	d.of(corev1.ResourcePods)
	return d
}

func (d *dimensions) of(name corev1.ResourceName) int {
	i, ok := d.index[name]
	if !ok {
		i = len(d.names)
		d.index[name] = i
		d.names = append(d.names, name)
	}
	return i
}

// request returns what a pod takes of a node, in as many dimensions as are known so far.
func (d *dimensions) request(pod *corev1.Pod) vector {
	d.list = requests(pod, d.list)
	list := d.list
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		d.of(name)
	}
	var unknown []corev1.ResourceName
	for name := range list {
		if _, ok := d.index[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	for _, name := range sorted(unknown) {
		d.of(name)
	}
	v := make(vector, len(d.names))
	for name, amount := range list {
		v[d.index[name]] = units(name, amount)
	}
	v[pods] = 1
	return v
}

// offer returns what a list of amounts offers in every dimension.
func (d *dimensions) offer(list corev1.ResourceList) vector {
	v := make(vector, len(d.names))
	for i, name := range d.names {
		v[i] = units(name, list[name])
	}
	return v
}

// units is an amount as a whole number: 0 if negative, and saturated.
func units(name corev1.ResourceName, q resource.Quantity) int64 {
	limit := int64(math.MaxInt64)
	if name == corev1.ResourceCPU {
		limit /= 1000
	}
	switch {
	case q.Sign() <= 0:
		return 0
	case q.CmpInt64(limit) >= 0:
		return math.MaxInt64
	case name == corev1.ResourceCPU:
		return q.MilliValue()
	}
	return q.Value()
}

// take lowers v by n times a request, to no less than 0.
func (v vector) take(request vector, n int64) {
	for i, amount := range request {
		if amount == 0 {
			continue
		}
		if amount > v[i]/n {
			v[i] = 0
		} else {
			v[i] -= amount * n
		}
	}
}

// fits is how many times a request fits into v, at most limit.
func (v vector) fits(request vector, limit int64) int64 {
	for i, amount := range request {
		if amount > 0 {
			if limit = min(limit, v[i]/amount); limit == 0 {
				return 0
			}
		}
	}
	return limit
}
