package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// database is one that can be switched off. A ping takes 5 ms.
type database struct{ gone atomic.Bool }

var errGone = errors.New("gone")

func (d *database) ping(ctx context.Context) error {
	time.Sleep(5 * time.Millisecond)
	if d.gone.Load() {
		return errGone
	}
	return ctx.Err()
}

func newProbe(t *testing.T, d *database) *probe {
	t.Helper()
	p, err := startProbe(t.Context(), defaultLimits, d.ping)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An outage begins when the last ping was sent that was answered, and ends after the first that is again.
func TestProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var d database
		p := newProbe(t, &d)
		time.Sleep(time.Second)
		if o := p.outages(start); len(o) != 0 {
			t.Errorf("without one: %v", o)
		}
		for range 2 {
			d.gone.Store(true)
			gone := time.Since(start)
			time.Sleep(300 * time.Millisecond)
			before := p.outages(start)
			if o := before[len(before)-1]; o.to != time.Since(start)+defaultLimits.recovery {
				t.Errorf("an outage that lasts ends at %v, want now", o.to)
			}
			d.gone.Store(false)
			back := time.Since(start)
			time.Sleep(time.Second)
			o := p.outages(start)[len(before)-1]
			if round := pingEvery + 10*time.Millisecond; o.from > gone || o.from < gone-round || o.to < back+defaultLimits.recovery || o.to > back+defaultLimits.recovery+round {
				t.Errorf("gone from %v to %v: an outage from %v to %v", gone, back, o.from, o.to)
			}
		}
		p.stop()
		p.stop()
		if o := p.outages(start); len(o) != 2 {
			t.Errorf("%d outages: %v", len(o), o)
		}
	})
}

// A ping that is answered late is no outage, and the time that it took is known.
func TestStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var slow atomic.Bool
		p, err := startProbe(t.Context(), defaultLimits, func(context.Context) error {
			if slow.Swap(false) {
				time.Sleep(400 * time.Millisecond)
			}
			time.Sleep(defaultLimits.window)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		slow.Store(true)
		time.Sleep(time.Second)
		p.stop()
		s := p.stalls(start)
		if len(s) != 1 || s[0].to-s[0].from != 500*time.Millisecond || s[0].from < time.Second || len(p.outages(start)) != 0 {
			t.Errorf("stalls %v, outages %v", s, p.outages(start))
		}
	})
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	for outage, want := range map[time.Duration]time.Duration{
		0: time.Second, time.Second: time.Second, 3 * time.Second: 3 * time.Second, time.Hour: defaultLimits.request,
	} {
		if got := defaultLimits.afterOutage(outage); got != want {
			t.Errorf("%v: %v, want %v", outage, got, want)
		}
	}
}

func TestProbeNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d database
		d.gone.Store(true)
		if _, err := startProbe(t.Context(), defaultLimits, d.ping); !errors.Is(err, errGone) {
			t.Errorf("nobody there: %v", err)
		}
		time.AfterFunc(connectTimeout/2, func() { d.gone.Store(false) })
		newProbe(t, &d).stop()
	})
}

// A step that fails in an outage is taken again when the outage is over; one that fails by itself is not.
func TestPatiently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d database
		var out strings.Builder
		m := &migration[Place]{screen: newScreen(&out), probe: newProbe(t, &d)}
		defer m.probe.stop()
		wrong := errors.New("wrong")
		taken := 0
		fails := func(most int, then error) func() error {
			taken = 0
			return func() error {
				if taken++; taken > most {
					return then
				}
				d.gone.Store(true) // no ping has noticed yet
				time.AfterFunc(time.Minute, func() { d.gone.Store(false) })
				return errGone
			}
		}
		if err := m.patiently(t.Context(), "the step", fails(2, nil)); err != nil || taken != 3 {
			t.Errorf("two outages: %v after %d", err, taken)
		}
		if !strings.Contains(out.String(), "the step was interrupted by an outage, and goes on: gone") {
			t.Errorf("nothing was said: %s", out.String())
		}
		time.Sleep(time.Minute)
		if err := m.patiently(t.Context(), "the step", fails(0, wrong)); !errors.Is(err, wrong) || taken != 1 {
			t.Errorf("no outage: %v after %d", err, taken)
		}
		m.probe.stop()
		m.probe = nil
		if err := m.patiently(t.Context(), "the step", fails(1, nil)); !errors.Is(err, errGone) || taken != 1 {
			t.Errorf("a place that can not go away: %v after %d", err, taken)
		}
	})
}

// A step does not wait for ever, nor after it was cancelled.
func TestPatientlyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d database
		m := &migration[Place]{screen: newScreen(&strings.Builder{}), probe: newProbe(t, &d)}
		defer m.probe.stop()
		d.gone.Store(true)
		step := func() error { return errGone }
		began := time.Now()
		if err := m.patiently(t.Context(), "the step", step); !errors.Is(err, errGone) || time.Since(began) < outageTimeout {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		if err := m.patiently(ctx, "the step", step); !errors.Is(err, errGone) || time.Since(began) != 0 {
			t.Errorf("cancelled: %v after %v", err, time.Since(began))
		}
	})
}

// In an outage a request may fail or have an unknown outcome. What was acknowledged counts all the same.
func TestJudgeOutages(t *testing.T) {
	t.Parallel()
	outages := []outage{{from: 100 * time.Millisecond, to: 200 * time.Millisecond}}
	for name, c := range map[string]struct {
		events []event
		want   verdict
	}{
		"before":         {events: story(read("i").with(failed).during(50, 99), update("i", 1).with(unknown).during(60, 99)), want: verdict{Failed: 1, Indeterminate: 1}},
		"after":          {events: story(read("i").with(failed).during(201, 300), update("i", 1).with(unknown).during(201, 300)), want: verdict{Failed: 1, Indeterminate: 1}},
		"inside":         {events: story(read("i").with(failed).during(120, 130), update("i", 1).with(unknown).during(120, 130)), want: verdict{FailedInOutage: 1, IndeterminateInOutage: 1}},
		"into it":        {events: story(read("i").with(failed).during(50, 100)), want: verdict{FailedInOutage: 1}},
		"out of it":      {events: story(read("i").with(failed).during(200, 900)), want: verdict{FailedInOutage: 1}},
		"over it":        {events: story(read("i").with(failed).during(50, 900)), want: verdict{FailedInOutage: 1}},
		"maybe":          {events: story(update("i", 1).with(unknown).during(120, 130), read("i+1").during(220, 230)), want: verdict{IndeterminateInOutage: 1}},
		"maybe not":      {events: story(update("i", 1).with(unknown).during(120, 130), read("i").during(220, 230)), want: verdict{IndeterminateInOutage: 1}},
		"failed is not":  {events: story(update("i", 1).with(failed).during(120, 130), read("i+1").during(220, 230)), want: verdict{FailedInOutage: 1, Stale: 1}},
		"lost":           {events: story(update("i", 1).during(120, 130), finally("i").during(300, 310)), want: verdict{Lost: 1}},
		"stale":          {events: story(update("i", 1).during(120, 130), read("i").during(140, 150)), want: verdict{Stale: 1}},
		"resurrected":    {events: story(remove.during(120, 130), read("i").during(140, 150)), want: verdict{Resurrected: 1}},
		"wrongly exists": {events: story(remove.during(120, 130), create("x").with(exists).during(140, 150)), want: verdict{Failed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &judge{initial: map[string]string{"k": "i"}, edited: appendEdit, perKey: time.Minute, outages: outages}
			h := history{}
			h.add(c.events...)
			ignore := cmpopts.IgnoreFields(verdict{}, "Complaints", "Requests")
			if diff := cmp.Diff(c.want, j.all(h), ignore); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What was not sent because of an outage is not put down to the machine.
func TestShownShedding(t *testing.T) {
	t.Parallel()
	at := []time.Duration{99, 100, 200, 201, 350}
	outages := []outage{{from: 100, to: 200}, {from: 300, to: 400}}
	if n := inOutages(at, outages); n != 3 {
		t.Errorf("%d of %v are in %v", n, at, outages)
	}
	for want, r := range map[string]report{
		"": {},
		"5 requests were not sent, as a second's worth of them was waiting already: 3 while a place could not be reached, 2 otherwise": {Shed: 5, ShedInOutage: 3},
		"this machine was too busy: for 300 ms nothing ran at all":                                                                     {StarvedMs: 300},
	} {
		var out strings.Builder
		r.show(newScreen(&out))
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "not sent") != (r.Shed > 0) || strings.Contains(got, "too busy") != (r.StarvedMs > 0) {
			t.Errorf("%+v:\n%s", r, got)
		}
	}
}
