package convert

import (
	"strconv"

	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// An Asked is a signal that Options.Queries may have a query of.
type Asked struct {
	// Object is the object that has it, e.g. "shop/scaledobject/web", and Name the
	// signal's name there: a metric's as the conversion writes it, or the key of a
	// trigger.
	Object, Name string
	// Key is the key that gave a query, empty if none did.
	Key string
	// Trigger says that it is a trigger, of which a query can only be one's.
	Trigger bool
}

// given is the query of a signal that has these names, in the order in which they
// count; a name that stands behind the object's, or its namespace's and the
// object's, goes before one alone.
func (c *converter) given(asked Asked, names ...string) (query, name string, ok bool) {
	asked.Object = c.object
	for _, prefix := range []string{c.namespace + "/" + c.name + "/", c.name + "/", ""} {
		for _, name := range names {
			if query, ok := c.options.Queries[prefix+name]; ok && name != "" {
				asked.Key = prefix + name
				c.asked(asked)
				return query, name, true
			}
		}
	}
	c.asked(asked)
	return "", "", false
}

// givenTrigger is the query of a trigger, by its name, index or type.
func (c *converter) givenTrigger(so *keda.ScaledObject, i int) (query string, ok bool) {
	trigger := &so.Spec.Triggers[i]
	names := []string{trigger.Name, strconv.Itoa(i), trigger.Type}
	query, _, ok = c.given(Asked{Name: so.Name + "/" + triggerKey(so, i), Trigger: true}, names...)
	return query, ok
}

// asked tells of a signal that Queries may have a query of.
func (c *converter) asked(a Asked) {
	if c.options.Asked != nil {
		c.options.Asked(a)
	}
}
