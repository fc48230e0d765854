package memstore

import (
	"slices"
	"strings"

	"github.com/dualwrite/dualwrite/stores"
)

// chunkSize bounds what one insert has to move, and what a split copies.
const chunkSize = 512

type entry[V any] struct {
	key  string
	meta stores.Meta
	cell cell[V]
}

// index holds the entries twice: in a map for reads and writes of one key, and ordered for scans, as a sorted list of
// sorted chunks, none of them empty. It is not safe for concurrent use.
type index[V any] struct {
	byKey  map[string]*entry[V]
	chunks [][]*entry[V]
}

func newIndex[V any]() index[V] { return index[V]{byKey: make(map[string]*entry[V])} }

// get does not allocate for the conversion.
func (x *index[V]) get(key []byte) *entry[V] { return x.byKey[string(key)] }

// stored is the metadata under key, of version Absent if there is no record.
func (x *index[V]) stored(key []byte) stores.Meta {
	if e := x.get(key); e != nil {
		return e.meta
	}
	return stores.Meta{Version: stores.Absent}
}

// refuse is nil if a write on this condition may replace what is stored.
func (x *index[V]) refuse(key []byte, cond stores.Condition) error {
	if m := x.stored(key); !cond.Holds(m.Version) {
		return &stores.ConditionError{Stored: m}
	}
	return nil
}

func (x *index[V]) set(key []byte, m stores.Meta, c cell[V]) {
	if e := x.get(key); e != nil {
		e.meta, e.cell = m, c
		return
	}
	e := &entry[V]{key: string(key), meta: m, cell: c}
	x.byKey[e.key] = e
	x.insert(e)
}

func (x *index[V]) insert(e *entry[V]) {
	n := len(x.chunks)
	if n == 0 {
		x.chunks = append(x.chunks, []*entry[V]{e})
		return
	}
	i, j := n-1, len(x.chunks[n-1])
	if x.chunks[i][j-1].key > e.key { // else after everything, as in a copy: the last chunk takes it
		i, j = x.seek(e.key)
	}
	c := slices.Insert(x.chunks[i], j, e)
	x.chunks[i] = c
	if len(c) <= chunkSize {
		return
	}
	// Keys that arrive in order fill chunks to the end; others split them in the middle.
	at := len(c) / 2
	if j == len(c)-1 {
		at = j
	}
	right := append(make([]*entry[V], 0, chunkSize), c[at:]...)
	clear(c[at:])
	x.chunks[i] = c[:at]
	x.chunks = slices.Insert(x.chunks, i+1, right)
}

func (x *index[V]) remove(key []byte) {
	e := x.get(key)
	if e == nil {
		return
	}
	delete(x.byKey, e.key)
	i, j := x.seek(e.key)
	if x.chunks[i] = slices.Delete(x.chunks[i], j, j+1); len(x.chunks[i]) == 0 {
		x.chunks = slices.Delete(x.chunks, i, i+1)
	}
}

// seek finds the first entry that is not before key: its chunk and its place there. Past the last one the chunk is
// len(x.chunks).
func (x *index[V]) seek(key string) (chunk, at int) {
	chunk, _ = slices.BinarySearchFunc(x.chunks, key, func(c []*entry[V], key string) int {
		return strings.Compare(c[len(c)-1].key, key)
	})
	if chunk == len(x.chunks) {
		return chunk, 0
	}
	at, _ = slices.BinarySearchFunc(x.chunks[chunk], key, func(e *entry[V], key string) int {
		return strings.Compare(e.key, key)
	})
	return chunk, at
}

// page copies the entries from key on (or after it, if skip) and before end (no end if empty) to dst, up to its
// capacity.
func (x *index[V]) page(dst []entry[V], from string, skip bool, end string) []entry[V] {
	dst = dst[:0]
	i, j := x.seek(from)
	for ; i < len(x.chunks); i, j = i+1, 0 {
		for _, e := range x.chunks[i][j:] {
			switch {
			case len(dst) == cap(dst), end != "" && e.key >= end:
				return dst
			case skip && e.key == from:
				continue
			}
			dst = append(dst, *e)
		}
	}
	return dst
}

// bounds are up to n-1 keys that divide the entries into parts of about the same size.
func (x *index[V]) bounds(n int) []string {
	var keys []string
	total, before := len(x.byKey), 0
	n = min(n, total)
	for _, c := range x.chunks {
		for len(keys)+1 < n {
			at := total * (len(keys) + 1) / n
			if at >= before+len(c) {
				break
			}
			keys = append(keys, c[at-before].key)
		}
		before += len(c)
	}
	return keys
}
