package fake

// A pool is capacity that groups share: an account's quota of an instance
// family, or the machines that a zone has.
type pool struct {
	quota int64 // negative: no quota
	used  int64
	empty bool
}

// pool is the pool of a name, made at its first use.
func (c *Cloud) pool(name string) *pool {
	if c.pools[name] == nil {
		c.pools[name] = &pool{quota: -1}
	}
	return c.pools[name]
}

// SetQuota bounds the units of all nodes in a pool; a negative quota is none.
// Nodes beyond a lowered quota stay.
func (c *Cloud) SetQuota(name string, units int64) {
	c.pool(name).quota = units
	c.retryAll(name)
}

// SetStockOut says whether a pool has no machines to launch. Running ones stay.
func (c *Cloud) SetStockOut(name string, out bool) {
	c.pool(name).empty = out
	c.retryAll(name)
}

// retryAll has the groups of a pool try again what they could not launch.
func (c *Cloud) retryAll(name string) {
	for _, g := range c.sorted {
		if g.config.Pool == name {
			g.launch()
		}
	}
}

// take reserves units, or says why there are none.
func (p *pool) take(units int64) string {
	switch {
	case p.empty:
		return "there is no machine of this kind at the moment"
	case p.quota >= 0 && p.used+units > p.quota:
		return "the quota is exhausted"
	}
	p.used += units
	return ""
}
