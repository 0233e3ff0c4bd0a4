package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
)

// A progress shows how far the runs of a call have come, on a terminal only:
// simulated time, speed and remaining time.
type progress struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	began time.Time
	total time.Duration
	// at is how far each column of each job has come.
	at map[string]time.Duration
}

// newProgress returns a bar over the simulated time of all columns of the jobs.
func (a *app) newProgress(jobs []*runs.Job) *progress {
	p := &progress{at: map[string]time.Duration{}}
	file, terminal := terminalOf(a.stderr)
	if a.quiet || !terminal || len(jobs) == 0 {
		return p
	}
	for _, j := range jobs {
		p.total += time.Duration(j.File.Spec.Duration) * time.Duration(len(j.Columns))
	}
	p.began = time.Now()
	p.bar = progressbar.NewOptions64(int64(p.total/time.Second),
		progressbar.OptionSetWriter(file), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetElapsedTime(false))
	return p
}

// told notes that a column of a job has reached an instant.
func (p *progress) told(j *runs.Job, column string, now time.Time) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[j.File.Metadata.Name+"/"+column] = now.Sub(j.File.Spec.Start.Time)
	var sum time.Duration
	for _, d := range p.at {
		sum += d
	}
	elapsed := max(time.Since(p.began), time.Millisecond)
	p.bar.Describe(fmt.Sprintf("%s %s, %.0fx", j.File.Metadata.Name, now.Format("Mon 15:04"), float64(sum)/float64(elapsed)))
	p.bar.Set64(int64(sum / time.Second))
}

// close clears the bar.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
