package boltstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
)

// One transaction takes at most this much, or a single job of any size: whoever comes while it is under way waits for all
// of it, and bbolt keeps all of it in memory.
const (
	maxBatchOps   = 1024
	maxBatchBytes = 16 << 20
)

// queue combines the jobs of concurrent callers into commits. There is no goroutine of its own: the caller that finds
// nobody at work leads, that is, it commits what waits, its own job first, and then hands the lead to the next caller.
//
// Writes go before batches: a commit takes all writes that wait, so that one of the service waits for what is under way and
// not for the batches of a copy that are in line. Batches do not starve: a commit that went past them is followed by
// one that begins with the batch that has waited longest. What a caller has an answer for is in the file before anything that
// the caller sends afterwards; between jobs that wait at the same time there is no order to keep.
type queue struct {
	commit func([]*job) error

	mu      sync.Mutex
	idle    sync.Cond
	writes  []*job // those that wait, in the order in which they came
	batches []*job
	passed  bool // the last commit went past batches that waited
	led     bool // somebody leads
	closed  bool
	damaged error
}

func (q *queue) init(commit func([]*job) error) {
	q.commit = commit
	q.idle.L = &q.mu
}

// do has a job carried out and returns when its outcome is known; job.err is the outcome of the commit. If ctx ends
// while the job waits, it is withdrawn without effect; once a commit has begun its end is awaited.
func (q *queue) do(ctx context.Context, j *job) {
	leads, err := q.enter(ctx, j)
	if err != nil {
		j.err = err
		return
	}
	if !leads && !q.await(ctx, j) {
		return
	}
	q.lead(j)
}

// enter lines a job up. It tells whether the caller leads at once.
func (q *queue) enter(ctx context.Context, j *job) (leads bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, stores.Transient(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refusal(); err != nil {
		return false, err
	}
	leads = !q.led
	q.led = true
	j.state = jobWaiting
	line := q.line(j)
	*line = append(*line, j)
	return leads, nil
}

// line is where a job waits.
func (q *queue) line(j *job) *[]*job {
	if j.batch() {
		return &q.batches
	}
	return &q.writes
}

// open tells why no job is accepted any more; nil if jobs are.
func (q *queue) open() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refusal()
}

func (q *queue) refusal() error {
	if q.closed {
		return fmt.Errorf("boltstore: %w", stores.ErrClosed)
	}
	return q.damaged
}

// await returns when the job has been carried out or withdrawn (false) or when it is the caller's turn to lead (true).
func (q *queue) await(ctx context.Context, j *job) (leads bool) {
	select {
	case <-j.wake:
	case <-ctx.Done():
		if q.withdraw(j) {
			j.err = stores.Transient(ctx.Err())
			return false
		}
		<-j.wake
	}
	return j.state == jobLeading
}

// withdraw takes back a job that nobody has begun with.
func (q *queue) withdraw(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.state != jobWaiting {
		return false
	}
	line := q.line(j)
	i := slices.Index(*line, j)
	*line = slices.Delete(*line, i, i+1)
	return true
}

// lead commits one batch, in which mine is the first job, and hands on. The others are woken and given a chance to run
// before the lead is passed on: whoever writes again at once is then in the next commit and not in the one after it.
func (q *queue) lead(mine *job) {
	batch := q.take(mine)
	err := q.commit(batch)
	for _, j := range batch {
		if j.err = err; j != mine {
			j.wake <- struct{}{} // from here on j is its caller's again
		}
	}
	if len(batch) > 1 {
		runtime.Gosched()
	}
	q.pass(err)
}

// take removes the jobs of the next commit from the queue: mine, which is the first in its line, then the writes that
// wait. Further batches come along only where no write does, as it would wait for them.
func (q *queue) take(mine *job) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var l load
	if mine.batch() {
		l.add(&q.batches, 1)
	}
	l.add(&q.writes, len(q.writes))
	if mine.batch() && len(l.jobs) == 1 {
		l.add(&q.batches, len(q.batches))
	}
	q.passed = !mine.batch() && len(q.batches) > 0
	return l.jobs
}

// load is what one commit takes.
type load struct {
	jobs      []*job
	ops, size int
}

// add moves up to n jobs from the front of a line, as many as there is room for.
func (l *load) add(line *[]*job, n int) {
	taken := 0
	for _, j := range (*line)[:n] {
		if len(l.jobs) > 0 && (l.ops+len(j.ops) > maxBatchOps || l.size+j.size > maxBatchBytes) {
			break
		}
		l.jobs, l.ops, l.size = append(l.jobs, j), l.ops+len(j.ops), l.size+j.size
		j.state = jobTaken
		taken++
	}
	*line = slices.Delete(*line, 0, taken)
}

// pass hands the lead to the next job, or to nobody when there is none.
func (q *queue) pass(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil && !harmless(err) {
		q.fail(err)
	}
	if next := q.next(); next != nil {
		next.state = jobLeading
		next.wake <- struct{}{}
		return
	}
	q.led = false
	q.idle.Broadcast()
}

// next is the job whose caller leads next; nil if none waits.
func (q *queue) next() *job {
	switch {
	case len(q.batches) > 0 && (q.passed || len(q.writes) == 0):
		return q.batches[0]
	case len(q.writes) > 0:
		return q.writes[0]
	default:
		return nil
	}
}

// fail turns away every job that waits and those that come.
func (q *queue) fail(cause error) {
	q.damaged = stores.Transient(fmt.Errorf("%w: %w", ErrDamaged, cause))
	for _, j := range slices.Concat(q.writes, q.batches) {
		j.err, j.state = q.damaged, jobTaken
		j.wake <- struct{}{}
	}
	q.writes, q.batches = nil, nil
}

// close refuses new jobs and waits for those that are lined up.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.led {
		q.idle.Wait()
	}
}
