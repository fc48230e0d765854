package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// load is the live traffic of a service: requests arrive at a steady rate, whether the ones before were answered or not,
// and many clients of every instance send them.
type load[V any] struct {
	shape *shape[V]
	keys  *keyspace
	start time.Time
	// timeout is how long a request may take.
	timeout time.Duration

	number  atomic.Int64 // of the last write
	waiting atomic.Int64 // requests that arrived and are not answered yet
	ended   atomic.Int64 // requests that were answered
	reads   chan time.Duration
	writes  chan time.Duration
	clients []*client[V]
	running sync.WaitGroup

	// arrivals is held while requests arrive; whoever takes it stops the traffic.
	arrivals sync.Mutex
	shed     []time.Duration // requests that were due when a second's worth of them were waiting
	stood    []standstill
	answered sync.WaitGroup

	stopArrivals context.CancelFunc
	arriving     sync.WaitGroup
}

// How many clients can wait for an answer at the same time. Writes wait for the disk, and share its commits; so do reads
// in read-new/write-both that meet a write under way, as they complete it first. There are enough clients that the other
// requests still find a free one while the disk takes a second for a commit.
const (
	readers = 512
	writers = 256
)

// startLoad starts the traffic: reads and writes per second, over all instances.
func startLoad[V any](sh *shape[V], keys *keyspace, instances []*instance[V], cfg *config) *load[V] {
	reads, writes := cfg.reads, cfg.writes
	l := &load[V]{
		shape: sh, keys: keys, start: time.Now(), timeout: cfg.limits.request,
		reads: make(chan time.Duration, max(reads, 1)), writes: make(chan time.Duration, max(writes, 1)),
	}
	for n := range readers + writers {
		c := &client[V]{load: l, records: instances[n%len(instances)].records, rng: rand.New(rand.NewPCG(cfg.seed, uint64(n)))}
		l.clients = append(l.clients, c)
		l.running.Go(func() {
			if n < readers {
				serve(l, l.reads, c.read)
			} else {
				serve(l, l.writes, c.write)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stopArrivals = cancel
	l.arriving.Go(func() { l.arrive(ctx, float64(reads), float64(writes)) })
	return l
}

// now is the time since the start, by the monotonic clock.
func (l *load[V]) now() time.Duration { return time.Since(l.start) }

func serve[V any](l *load[V], due chan time.Duration, send func(arrived time.Duration)) {
	for arrived := range due {
		send(arrived)
		l.waiting.Add(-1)
		l.ended.Add(1)
		l.answered.Done()
	}
}

const (
	// arriveEvery is how often the requests that are due are let in.
	arriveEvery = 2 * time.Millisecond
	// catchUp is the most that is made up for when this process did not get to run.
	catchUp = 100 * time.Millisecond
	// late is how much later than it should requests are let in when the machine does not let this process run.
	late = 25 * time.Millisecond
)

func (l *load[V]) arrive(ctx context.Context, reads, writes float64) {
	tick := time.NewTicker(arriveEvery)
	defer tick.Stop()
	last := l.now()
	var dueReads, dueWrites float64
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		woken := l.now()
		if woken-last > late {
			l.stood = append(l.stood, standstill{from: last, to: woken})
		}
		l.arrivals.Lock()
		now := l.now()
		passed := min(now-last, catchUp).Seconds()
		last = now
		dueReads += reads * passed
		dueWrites += writes * passed
		for ; dueReads >= 1; dueReads-- {
			l.admit(l.reads, now)
		}
		for ; dueWrites >= 1; dueWrites-- {
			l.admit(l.writes, now)
		}
		l.arrivals.Unlock()
	}
}

// admit lets one request in; l.arrivals is held.
func (l *load[V]) admit(queue chan time.Duration, now time.Duration) {
	l.answered.Add(1)
	select {
	case queue <- now:
		l.waiting.Add(1)
	default:
		l.answered.Done()
		l.shed = append(l.shed, now)
	}
}

// pause stops the traffic and returns when every request has been answered. Nothing arrives until resume is called.
func (l *load[V]) pause() (resume func()) {
	l.arrivals.Lock()
	l.answered.Wait()
	return l.arrivals.Unlock
}

// stop ends the traffic, waits for the answers and returns everything that happened. After it shed and stood may be read.
func (l *load[V]) stop() (events []event) {
	l.stopArrivals()
	l.arriving.Wait()
	close(l.reads)
	close(l.writes)
	l.running.Wait()
	for _, c := range l.clients {
		events = append(events, c.events...)
	}
	return events
}
