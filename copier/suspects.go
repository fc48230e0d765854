package copier

import (
	"sync"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// suspect is a key whose records differed when they were looked at, which may only mean that a write is in flight.
type suspect struct {
	canon    []byte
	old, new stores.Meta // as seen last
	seen     bool        // old and new say something
	round    int         // how often it was looked at again
	due      time.Time   // when to look again
}

// suspects is a queue in the order of due. It is safe for concurrent use.
type suspects struct {
	grace time.Duration
	mu    sync.Mutex
	queue []suspect
}

// add queues suspects for after the grace period.
func (q *suspects) add(found []suspect) {
	if len(found) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	due := time.Now().Add(q.grace)
	for _, s := range found {
		s.due = due
		q.queue = append(q.queue, s)
	}
}

func (q *suspects) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queue)
}

// wait is how long it takes until the first is due; ok is false if there is none.
func (q *suspects) wait() (d time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		return 0, false
	}
	return time.Until(q.queue[0].due), true
}

// take removes up to n that are due.
func (q *suspects) take(n int) []suspect {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	i := 0
	for i < min(n, len(q.queue)) && !q.queue[i].due.After(now) {
		i++
	}
	taken := append([]suspect(nil), q.queue[:i]...)
	q.queue = append(q.queue[:0], q.queue[i:]...)
	return taken
}
