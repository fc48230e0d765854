package copier

import (
	"sync"
	"time"
)

// Progress is how far a pass is.
type Progress struct {
	// Op is the operation, Stage what it is doing: "scan", or "settle" while it looks at keys again.
	Op, Stage string
	// Done and Total are in records, over all interruptions of the pass; Total is an estimate, 0 if the places can not
	// tell.
	Done, Total int64
	// Rate is in records per second, smoothed over the last few events; in the last one, over this call.
	Rate float64
	// ETA is how long it will take at that rate, 0 if that is not known.
	ETA time.Duration
	// Elapsed is the time since this call began.
	Elapsed time.Duration
	// Report is the report so far. Its lists are the receiver's own.
	Report Report
	// Final marks the last event.
	Final bool
}

// meter tells how far the pass is from a goroutine of its own.
type meter struct {
	s     *state
	total int64
	began time.Time
	from  int64

	last   time.Time
	done   int64
	smooth float64

	stop  chan struct{}
	ended sync.WaitGroup
}

// startMeter returns a meter that runs until it is stopped; nil if nobody wants to know.
func startMeter(s *state, total int64) *meter {
	if s.o.OnProgress == nil {
		return nil
	}
	now := time.Now()
	m := &meter{s: s, total: total, began: now, last: now, stop: make(chan struct{})}
	m.from = s.snapshot().Read
	m.done = m.from
	m.ended.Go(func() {
		tick := time.NewTicker(s.o.ProgressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.o.OnProgress(m.event())
			case <-m.stop:
				return
			}
		}
	})
	return m
}

// finish sends the last event, from the caller's goroutine.
func (m *meter) finish() {
	if m == nil {
		return
	}
	close(m.stop)
	m.ended.Wait()
	e := m.event()
	e.Final, e.ETA = true, 0
	if secs := e.Elapsed.Seconds(); secs > 0 {
		e.Rate = float64(e.Done-m.from) / secs
	}
	m.s.o.OnProgress(e)
}

func (m *meter) event() Progress {
	now := time.Now()
	r := m.s.snapshot()
	e := Progress{Op: r.Op, Stage: "scan", Done: r.Read, Total: m.total, Elapsed: now.Sub(m.began), Report: r}
	if m.s.scanned() {
		e.Stage = "settle"
	}
	if secs := now.Sub(m.last).Seconds(); secs > 0 {
		current := float64(r.Read-m.done) / secs
		if m.smooth == 0 {
			m.smooth = current
		}
		m.smooth += 0.3 * (current - m.smooth)
		m.last, m.done = now, r.Read
	}
	e.Rate = m.smooth
	if left := e.Total - e.Done; left > 0 && e.Rate > 0 {
		e.ETA = time.Duration(float64(left) / e.Rate * float64(time.Second))
	}
	return e
}
