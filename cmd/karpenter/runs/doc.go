// Package runs plays the scenarios of a call and writes the reports of them: what
// simulate, replay, try, init, compare and serve have in common, without flags, without
// a terminal and without exit codes.
//
//	session := &runs.Session{Options: runs.Options{Version: version}}
//	jobs, err := session.Prepare(ctx, files)   // everything that is wrong with them
//	outcome, err := session.Play(ctx, jobs, dir)
//
// Prepare and Job.Play are for one scenario alone.
package runs
