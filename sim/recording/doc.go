// Package recording reads recorded metrics, writes them, and finds out what a
// query needs of them.
//
// A recording is any of: a CSV file, an OpenMetrics text file (plain or
// gzipped), a Prometheus TSDB block or a directory of blocks such as a
// snapshot, a saved answer of the Prometheus query API, or a directory that
// Record wrote. Open looks at one, checks it as far as it can, and says what is
// wrong in one line; Recording.Feed then streams its samples in time order.
//
// CSV files and blocks stream: memory is bounded by a row, or by one chunk per
// series. OpenMetrics and JSON may hold their series in any order, so they are
// converted once to a block in a temporary directory. Nothing is ever written
// beside the data that was given.
//
// Instants are Unix milliseconds throughout, as in Prometheus.
package recording
