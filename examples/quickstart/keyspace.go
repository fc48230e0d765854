package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// hotKeys is how many records all instances work on all the time.
const hotKeys = 50

// keyspace chooses which record an operation is about. It is safe for concurrent use.
type keyspace struct {
	ids    []string
	hot    []string
	prefix string // of the ids of new records; no record of the input begins with it
	recent [256]atomic.Pointer[string]
	turn   atomic.Uint64
}

func newKeyspace(records []record, rng *rand.Rand) *keyspace {
	k := &keyspace{prefix: "live-"}
	for _, r := range records {
		k.ids = append(k.ids, r.id)
		for strings.HasPrefix(r.id, k.prefix) {
			k.prefix += "-"
		}
	}
	for _, i := range rng.Perm(len(k.ids))[:min(hotKeys, len(k.ids))] {
		k.hot = append(k.hot, k.ids[i])
	}
	return k
}

// isHot decides that an operation is about a hot key; a fifth of them are.
func isHot(rng *rand.Rand) bool { return rng.IntN(5) == 0 }

// pickHot prefers some of the hot keys, so that a few of them are really contended.
func (k *keyspace) pickHot(rng *rand.Rand) string {
	return k.hot[min(rng.IntN(len(k.hot)), rng.IntN(len(k.hot)), rng.IntN(len(k.hot)))]
}

// forWrite picks an existing key, or in the end any key that has been there.
func (k *keyspace) forWrite(rng *rand.Rand) string {
	if isHot(rng) {
		return k.pickHot(rng)
	}
	return k.ids[rng.IntN(len(k.ids))]
}

// forCreate picks a hot key, which may be deleted just now, or a new one.
func (k *keyspace) forCreate(rng *rand.Rand, number int64) string {
	if isHot(rng) {
		return k.pickHot(rng)
	}
	return fmt.Sprintf("%s%07d", k.prefix, number)
}

// forRead picks a hot key, one that was written a moment ago by whatever instance, or any.
func (k *keyspace) forRead(rng *rand.Rand) string {
	switch {
	case isHot(rng):
		return k.pickHot(rng)
	case rng.IntN(3) == 0:
		if key := k.recent[rng.IntN(len(k.recent))].Load(); key != nil {
			return *key
		}
	}
	return k.ids[rng.IntN(len(k.ids))]
}

// written remembers a key for forRead.
func (k *keyspace) written(key string) {
	k.recent[k.turn.Add(1)%uint64(len(k.recent))].Store(&key)
}
