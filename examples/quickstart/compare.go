package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// textsOf are the contents of a snapshot.
func (m *migration[V]) textsOf(p place[V], records map[string][]byte) map[string]string {
	texts := make(map[string]string, len(records))
	for key, b := range records {
		text, err := p.text(m.imported[key], b)
		if err != nil {
			text = fmt.Sprintf("unreadable: %q (%v)", b, err)
		}
		texts[key] = text
	}
	return texts
}

// different are the keys under which the two snapshots hold different contents, or only one holds any.
func different(a, b map[string]string) []string {
	var keys []string
	for key, text := range a {
		if other, ok := b[key]; !ok || other != text {
			keys = append(keys, key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// compareQuietly stops the traffic for the moment that it takes to read both places, compares them with each other and
// keeps what they held for the judge.
func (m *migration[V]) compareQuietly(ctx context.Context) error {
	before, after, o, err := m.readQuietly(ctx)
	if err != nil {
		return err
	}
	o.texts = m.textsOf(m.new, after)
	m.quiet = o
	m.diverged = different(m.textsOf(m.old, before), o.texts)
	m.screen.say("  in a pause of %d ms: old holds %s records, new %s, %s of them differ", (o.to - o.from).Milliseconds(),
		grouped(int64(len(before))), grouped(int64(len(after))), grouped(int64(len(m.diverged))))
	if len(m.diverged) > 0 {
		return errDiverged
	}
	return nil
}

func (m *migration[V]) readQuietly(ctx context.Context) (before, after map[string][]byte, o *observation, err error) {
	resume := m.load.pause()
	defer resume()
	o = &observation{from: m.load.now()}
	if before, err = m.old.snapshot(ctx); err != nil {
		return nil, nil, nil, err
	}
	if after, err = m.new.snapshot(ctx); err != nil {
		return nil, nil, nil, err
	}
	o.to = m.load.now()
	return before, after, o, nil
}

// observation is what the new place held between two moments, in which nothing was written.
type observation struct {
	texts    map[string]string
	from, to time.Duration
}

// events are the observation as reads of the keys that clients worked on.
func (o *observation) events(h history) []event {
	var events []event
	for key := range maps.Keys(h) {
		e := event{key: key, kind: opRead, call: o.from, ret: o.to, saw: o.texts[key], final: true}
		if e.saw == "" {
			e.answer = notFound
		}
		events = append(events, e)
	}
	return events
}

// untouched compares what new holds in the end with the input, for the records that no client worked on.
func (o *observation) untouched(initial map[string]string, h history, v *verdict) {
	for _, key := range different(initial, o.texts) {
		if _, touched := h[key]; touched {
			continue
		}
		now, there := o.texts[key]
		if was, imported := initial[key]; imported {
			v.Lost++
			v.complain("lost: nobody touched %q, and it is %q instead of %q (there: %v)", key, now, was, there)
		} else {
			v.Diverged++
			v.complain("diverged: nobody wrote %q, and new holds %q", key, now)
		}
	}
}
