package dualwrite

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// blockedMost is how many keys that could not be brought in step are remembered: the latest.
const blockedMost = 100

// blockedKeys remembers them. Every healthy read in read-new/write-both asks for its key here, and where a validator refuses a
// class of records every operation on one adds a key: neither may cost much.
type blockedKeys struct {
	any   atomic.Bool // there are some; so that nobody has to look who has none
	mu    sync.RWMutex
	keys  map[string]*list.Element // by canonical form
	order list.List                // of *blockedKey; the one that was blocked last comes last
}

type blockedKey struct {
	canon string
	BlockedKey
}

// keyBuffers are for canonical keys that nobody keeps.
var keyBuffers = sync.Pool{New: func() any { return new([]byte) }}

// block remembers a key.
func (r *Repository[K, V]) block(key K, cause error) {
	canon, err := r.old.store.Keys().Append(nil, key)
	if err != nil {
		return // such a key is in no store
	}
	r.blocked.add(canon, cause, r.opts.Clock.Now())
}

// unblock forgets a key that is in step, if it was blocked.
func (r *Repository[K, V]) unblock(key K) {
	if !r.blocked.any.Load() {
		return
	}
	buf := keyBuffers.Get().(*[]byte)
	defer keyBuffers.Put(buf)
	canon, err := r.old.store.Keys().Append((*buf)[:0], key)
	if err != nil {
		return
	}
	*buf = canon
	if r.blocked.has(canon) {
		r.blocked.remove(canon)
	}
}

func (b *blockedKeys) add(canon []byte, cause error, now time.Time) {
	entry := &blockedKey{string(canon), BlockedKey{Key: stores.FormatKey(canon), Cause: cause.Error(), Time: now}}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys == nil {
		b.keys = map[string]*list.Element{}
	}
	if e := b.keys[entry.canon]; e != nil {
		e.Value = entry
		b.order.MoveToBack(e)
	} else {
		b.keys[entry.canon] = b.order.PushBack(entry)
	}
	if len(b.keys) > blockedMost {
		eldest := b.order.Remove(b.order.Front()).(*blockedKey)
		delete(b.keys, eldest.canon)
	}
	b.any.Store(true)
}

func (b *blockedKeys) has(canon []byte) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.keys[string(canon)] != nil
}

func (b *blockedKeys) remove(canon []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.keys[string(canon)]; e != nil {
		b.order.Remove(e)
		delete(b.keys, string(canon))
	}
	b.any.Store(len(b.keys) > 0)
}

// list is the keys from the earliest to the latest; never nil, for the sake of JSON.
func (b *blockedKeys) list() []BlockedKey {
	b.mu.RLock()
	defer b.mu.RUnlock()
	keys := make([]BlockedKey, 0, len(b.keys))
	for e := b.order.Front(); e != nil; e = e.Next() {
		keys = append(keys, e.Value.(*blockedKey).BlockedKey)
	}
	return keys
}
