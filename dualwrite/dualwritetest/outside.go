package dualwritetest

import (
	"context"
	"sync"
	"time"
)

// outside makes calls for goroutines of a synctest bubble, in which time stands still and every goroutine that is waited
// for has to be of the bubble: a store that has goroutines, locks, timers or a network connection can not be called there.
type outside struct {
	mu   sync.Mutex
	work chan func(ctx context.Context)
	done chan struct{}
}

// callTimeout is for a store that does not answer at all.
const callTimeout = time.Minute

// newOutside starts the goroutine that makes the calls, outside of any bubble. It ends with close.
func newOutside() *outside {
	o := &outside{work: make(chan func(ctx context.Context)), done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for f := range o.work {
			call(f)
			o.done <- struct{}{}
		}
	}()
	return o
}

func call(f func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	f(ctx)
}

// do runs f outside and waits for it. It is safe for concurrent use; f runs alone. If the goroutine has ended, as one does
// that calls FailNow, nothing is run.
func (o *outside) do(f func(ctx context.Context)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.work <- f:
		<-o.done
	case <-o.done:
	}
}

// close waits for the goroutine.
func (o *outside) close() {
	close(o.work)
	<-o.done
}
