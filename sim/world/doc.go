// Package world is what decisions act on in a simulation. It takes commands
// through the ports of engine/cycle, lets their effects take simulated time,
// and publishes its state under the names that production queries use.
package world
