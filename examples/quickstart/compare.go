package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// snapshot reads every live record of a place as bytes, directly from its file. It is only taken while nothing runs.
func snapshot(ctx context.Context, place stores.Store[string, []byte]) (map[string][]byte, error) {
	records := map[string][]byte{}
	for e, err := range place.Scan(ctx, "", nil) {
		if err != nil {
			return nil, err
		}
		if e.Record.Live() {
			records[e.Key] = e.Record.Value
		}
	}
	return records, nil
}

// textsOf are the contents of a snapshot. same tells of bytes that are just what was imported under the key, which most
// are; the others are decoded.
func (m *migration[V]) textsOf(records map[string][]byte, same func(r *record, b []byte) bool, decode func([]byte) (V, error)) map[string]string {
	texts := make(map[string]string, len(records))
	for key, b := range records {
		if r := m.imported[key]; r != nil && same(r, b) {
			texts[key] = r.text
			continue
		}
		v, err := decode(b)
		if err == nil {
			texts[key], err = m.shape.text(v)
		}
		if err != nil {
			texts[key] = fmt.Sprintf("unreadable: %s (%v)", b, err)
		}
	}
	return texts
}

// oldTexts are the contents of a snapshot of the old place, newTexts those of the new one.
func (m *migration[V]) oldTexts(records map[string][]byte) map[string]string {
	return m.textsOf(records, func(r *record, b []byte) bool { return bytes.Equal(r.line, b) }, m.shape.decodeOld)
}

func (m *migration[V]) newTexts(records map[string][]byte) map[string]string {
	return m.textsOf(records, func(r *record, b []byte) bool { return r.text == string(b) }, m.shape.decodeNew)
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
	o.texts = m.newTexts(after)
	m.quiet = o
	m.diverged = different(m.oldTexts(before), o.texts)
	m.screen.say("  in a pause of %d ms: old holds %s records, new %s, %s of them differ", (o.to - o.from).Milliseconds(),
		grouped(int64(len(before))), grouped(int64(len(after))), grouped(int64(len(m.diverged))))
	return nil
}

func (m *migration[V]) readQuietly(ctx context.Context) (before, after map[string][]byte, o *observation, err error) {
	resume := m.load.pause()
	defer resume()
	o = &observation{from: m.load.now()}
	if before, err = snapshot(ctx, m.files.rawOld); err != nil {
		return nil, nil, nil, err
	}
	if after, err = snapshot(ctx, m.files.rawNew); err != nil {
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
