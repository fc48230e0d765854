package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// appendEdit stands for shape.edited: every edit shows in the text.
func appendEdit(text string, n int64) (string, error) { return fmt.Sprintf("%s+%d", text, n), nil }

// story is a history of key k whose operations follow one another, in milliseconds; each may be moved by at.
func story(events ...event) []event {
	for i := range events {
		e := &events[i]
		e.key = "k"
		if e.ret == 0 {
			e.call, e.ret = time.Duration(10*i)*time.Millisecond, time.Duration(10*i+5)*time.Millisecond
		}
	}
	return events
}

func read(text string) event {
	if text == "" {
		return event{kind: opRead, answer: notFound}
	}
	return event{kind: opRead, saw: text}
}

func finally(text string) event {
	e := read(text)
	e.final = true
	return e
}

func create(text string) event { return event{kind: opCreate, wrote: text} }

func update(saw string, n int64) event {
	wrote, _ := appendEdit(saw, n)
	return event{kind: opUpdate, saw: saw, wrote: wrote, number: n}
}

func putIf(saw, wrote string) event { return event{kind: opPutIf, saw: saw, wrote: wrote} }

var remove = event{kind: opDelete}

// with changes the answer of an event.
func (e event) with(a answer) event {
	e.answer = a
	if a == failed || a == unknown {
		e.err = errors.New("planted")
	}
	return e
}

// during moves an event.
func (e event) during(from, to time.Duration) event {
	e.call, e.ret = from*time.Millisecond, to*time.Millisecond
	return e
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []event
		want   verdict
	}{
		"all kinds": {events: story(read("i"), update("i", 1), create("x").with(exists), putIf("i+1", "p"), putIf("i+1", "q").with(wrongVersion),
			remove, remove, read(""), update("", 2).with(notFound), create("c"), event{kind: opPut, wrote: "d"}, finally("d"))},
		"overlapping in either order": {events: story(update("i", 1).during(0, 50), read("i").during(10, 20), read("i+1").during(30, 40), finally("i+1").during(60, 70))},

		"lost update":              {events: story(update("i", 1), update("i", 2), finally("i+2")), want: verdict{Lost: 1}},
		"update applied twice":     {events: story(update("i", 1), update("i+1+1", 2), finally("i+1+1+2")), want: verdict{Lost: 1}},
		"lost in the end":          {events: story(update("i", 1), finally("i")), want: verdict{Lost: 1}},
		"gone in the end":          {events: story(update("i", 1), finally("")), want: verdict{Lost: 1}},
		"created twice":            {events: story(remove, create("a"), create("b"), finally("b")), want: verdict{Lost: 1}},
		"put-if on another":        {events: story(update("i", 1), putIf("i", "p"), finally("p")), want: verdict{Lost: 1}},
		"stale":                    {events: story(update("i", 1), read("i"), finally("i+1")), want: verdict{Stale: 1}},
		"not found":                {events: story(update("i", 1), read(""), finally("i+1")), want: verdict{Stale: 1}},
		"back in time":             {events: story(update("i", 1).during(0, 50), read("i+1").during(10, 20), read("i").during(30, 40)), want: verdict{Stale: 1}},
		"two stale reads":          {events: story(update("i", 1), read("i"), read("i+1"), read("i")), want: verdict{Stale: 2}},
		"resurrected":              {events: story(remove, read("i"), finally("")), want: verdict{Resurrected: 1}},
		"resurrected in the end":   {events: story(update("i", 1), remove, read(""), finally("i+1")), want: verdict{Resurrected: 1}},
		"exists, but does not":     {events: story(remove, create("x").with(exists)), want: verdict{Failed: 1}},
		"not found, but is":        {events: story(update("i", 1).with(notFound), read("i")), want: verdict{Failed: 1}},
		"version, but it is that":  {events: story(read("i"), putIf("i", "p").with(wrongVersion), read("i")), want: verdict{Failed: 1}},
		"only the version moved":   {events: story(read("i"), moved(putIf("i", "p").with(wrongVersion)), read("i"))},
		"an error":                 {events: story(update("i", 1).with(failed), read("i")), want: verdict{Failed: 1}},
		"an error of a read":       {events: story(read("i").with(failed), read("i")), want: verdict{Failed: 1}},
		"unknown, never applied":   {events: story(update("", 1).with(unknown), read("i"), finally("i")), want: verdict{Indeterminate: 1}},
		"unknown, applied late":    {events: story(update("", 1).with(unknown), read("i"), read("i+1"), finally("i+1")), want: verdict{Indeterminate: 1}},
		"unknown, applied twice":   {events: story(update("", 1).with(unknown), read("i+1"), read("i+1+1")), want: verdict{Indeterminate: 1, Stale: 1}},
		"unknown delete":           {events: story(remove.with(unknown), read("i"), read(""), finally("")), want: verdict{Indeterminate: 1}},
		"unknown create":           {events: story(create("c").with(unknown), read("i"), remove, read("c")), want: verdict{Indeterminate: 1}},
		"unknown put-if":           {events: story(putIf("i", "p").with(unknown), read("i"), update("p", 2), finally("p+2")), want: verdict{Indeterminate: 1}},
		"unknown put-if too late":  {events: story(putIf("i", "p").with(unknown), update("i", 2), finally("p")), want: verdict{Indeterminate: 1, Lost: 1}},
		"unknown does not go back": {events: story(update("", 1).with(unknown), read("i+1"), read("i")), want: verdict{Indeterminate: 1, Stale: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &judge{initial: map[string]string{"k": "i"}, edited: appendEdit, perKey: time.Minute}
			h := history{}
			h.add(c.events...)
			got := j.all(h)
			for _, e := range c.events {
				if !e.final {
					c.want.Requests++
				}
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(verdict{}, "Complaints")); diff != "" {
				t.Errorf("-want +got\n%s%s", diff, strings.Join(got.Complaints, "\n"))
			}
		})
	}
}

func moved(e event) event {
	e.moved = true
	return e
}

func TestJudgeAbsentAtFirst(t *testing.T) {
	t.Parallel()
	j := &judge{edited: appendEdit, perKey: time.Minute}
	h := history{}
	h.add(story(read(""), create("a"), read("a"), finally("a"))...)
	if v := j.all(h); !v.ok() {
		t.Error(v.Complaints)
	}
	h.add(story(read("b").during(100, 101))...)
	if v := j.all(h); v.ok() {
		t.Error("a content that nobody wrote was taken")
	}
}

// A key that can not be judged in time is not taken as fine.
func TestJudgeOutOfTime(t *testing.T) {
	t.Parallel()
	var events []event
	for n := range 200 { // any of them may come first, and no order fits the read
		events = append(events, event{key: "k", kind: opPut, wrote: fmt.Sprint(n), call: 0, ret: time.Second})
	}
	events = append(events, event{key: "k", kind: opRead, saw: "never", call: 0, ret: time.Second})
	h := history{}
	h.add(events...)
	j := &judge{edited: appendEdit, perKey: 20 * time.Millisecond}
	if v := j.all(h); v.Failed != 1 || !strings.Contains(v.Complaints[0], "could not be judged") {
		t.Errorf("%+v", v)
	}
}

func TestUntouched(t *testing.T) {
	t.Parallel()
	initial := map[string]string{"same": "1", "gone": "2", "changed": "3", "touched": "4"}
	o := &observation{texts: map[string]string{"same": "1", "changed": "x", "touched": "y", "new": "5", "created": "6"}}
	h := history{"touched": nil, "created": nil}
	var v verdict
	o.untouched(initial, h, &v)
	if diff := cmp.Diff(verdict{Lost: 2, Diverged: 1}, v, cmpopts.IgnoreFields(verdict{}, "Complaints")); diff != "" {
		t.Error(diff)
	}
}

func TestDowntime(t *testing.T) {
	t.Parallel()
	at := func(arrived, ret int, a answer) event {
		return event{arrived: time.Duration(arrived) * time.Millisecond, ret: time.Duration(ret) * time.Millisecond, answer: a}
	}
	for name, c := range map[string]struct {
		events        []event
		shed          []time.Duration
		stood         []standstill
		outages       []outage
		down, starved int
	}{
		"none":                {},
		"fine":                {events: []event{at(10, 20, done), at(110, 120, notFound)}},
		"nothing was tried":   {events: []event{at(10, 20, done), at(910, 920, done)}},
		"failures":            {events: []event{at(10, 20, done), at(110, 120, failed), at(150, 160, unknown), at(250, 260, done)}, down: 100},
		"one success will do": {events: []event{at(110, 120, failed), at(150, 160, exists)}},
		"over the edge":       {events: []event{at(99, 105, done)}},
		"a standstill":        {events: []event{at(10, 450, done), at(110, 450, done), at(310, 450, done)}, down: 300},
		"answered late":       {events: []event{at(10, 450, done), at(410, 420, failed)}, down: 100},
		"shed":                {events: []event{at(10, 20, done)}, shed: []time.Duration{150 * time.Millisecond}, down: 100},
		"starved": {events: []event{at(10, 450, done), at(310, 450, done)},
			stood: []standstill{{from: 10 * time.Millisecond, to: 120 * time.Millisecond}}, down: 100, starved: 100},
		"outage": {events: []event{at(110, 120, failed), at(310, 320, failed), at(510, 520, failed), at(710, 720, failed)},
			outages: []outage{{from: 350 * time.Millisecond, to: 550 * time.Millisecond}}, down: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			down, starved := downtime(c.events, c.shed, c.stood, c.outages, defaultLimits.window)
			if len(down)*100 != c.down || starved.Milliseconds() != int64(c.starved) {
				t.Errorf("got %v and %v, want %d and %d ms", down, starved, c.down, c.starved)
			}
		})
	}
}
