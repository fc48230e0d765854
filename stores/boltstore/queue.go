package boltstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
)

// One transaction takes at most this much, or a single job of any size: bbolt keeps all of it in memory.
const (
	maxBatchOps   = 4096
	maxBatchBytes = 16 << 20
)

// queue combines the jobs of concurrent callers into commits. There is no goroutine of its own: the caller that finds
// nobody at work leads, that is, it commits everything that waits, its own job first, and then hands the lead to the
// caller who has waited longest.
type queue struct {
	commit func([]*job) error

	mu      sync.Mutex
	idle    sync.Cond
	waiting []*job
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
	q.waiting = append(q.waiting, j)
	return leads, nil
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
	i := slices.Index(q.waiting, j)
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// lead commits one batch, in which mine is the first job, and hands on. The others are woken and given a chance to run
// before the lead is passed on: whoever writes again at once is then in the next commit and not in the one after it.
func (q *queue) lead(mine *job) {
	batch := q.take()
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

// take removes the jobs of the next commit from the queue.
func (q *queue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, ops, size := 0, 0, 0
	for _, j := range q.waiting {
		ops, size = ops+len(j.ops), size+j.size
		if n > 0 && (ops > maxBatchOps || size > maxBatchBytes) {
			break
		}
		j.state = jobTaken
		n++
	}
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// pass hands the lead to the next job, or to nobody when there is none.
func (q *queue) pass(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil && !harmless(err) {
		q.fail(err)
	}
	if len(q.waiting) > 0 {
		next := q.waiting[0]
		next.state = jobLeading
		next.wake <- struct{}{}
		return
	}
	q.led = false
	q.idle.Broadcast()
}

// fail turns away every job that waits and those that come.
func (q *queue) fail(cause error) {
	q.damaged = stores.Transient(fmt.Errorf("%w: %w", ErrDamaged, cause))
	for _, j := range q.waiting {
		j.err, j.state = q.damaged, jobTaken
		j.wake <- struct{}{}
	}
	q.waiting = nil
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
