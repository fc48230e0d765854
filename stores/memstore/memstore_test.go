package memstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

func newStore[V any](t *testing.T, o *memstore.Options[V]) *memstore.Store[string, V] {
	t.Helper()
	s, err := memstore.New(stores.StringKeys[string](), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClock(t *testing.T) *stores.Clock {
	t.Helper()
	c, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func blind[V any](t *testing.T, c *stores.Clock, key string, v V) stores.Write[string, V] {
	t.Helper()
	ver, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	return stores.Write[string, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: ver}, Value: v}, If: stores.IfOlder(ver)}
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	encode := func(string) ([]byte, error) { return nil, nil }
	clone := func(s string) string { return s }
	_, err := memstore.New[string](nil, &memstore.Options[string]{Clone: clone, Encode: encode})
	for _, want := range []string{"key codec", "both Encode and Decode", "Clone or a codec"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not mention %q", err, want)
		}
	}
}

func TestNumbersStayExact(t *testing.T) {
	t.Parallel()
	s := newStore[any](t, nil)
	const number = json.Number("9007199254740993.000000000000000001")
	if err := s.Put(t.Context(), blind[any](t, newClock(t), "k", map[string]any{"n": number})); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(map[string]any{"n": number}), got.Value); diff != "" {
		t.Error(diff)
	}
}

// pointerCodec has its methods on the pointer, where json.Marshal of a plain value would not find them.
type pointerCodec struct{ hidden string }

func (p *pointerCodec) MarshalText() ([]byte, error) { return []byte(p.hidden), nil }
func (p *pointerCodec) UnmarshalText(b []byte) error { p.hidden = string(b); return nil }

func TestMarshalMethodsOnThePointer(t *testing.T) {
	t.Parallel()
	s := newStore[pointerCodec](t, nil)
	got, err := s.RoundTrip("k", pointerCodec{hidden: "x"})
	if err != nil || got.hidden != "x" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUnencodableIsPermanent(t *testing.T) {
	t.Parallel()
	s := newStore[any](t, nil)
	w := blind[any](t, newClock(t), "k", func() {})
	_, errTrip := s.RoundTrip("k", func() {})
	for name, err := range map[string]error{"put": s.Put(t.Context(), w), "check": s.Check(w), "round trip": errTrip} {
		if !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s: %v is not permanent", name, err)
		}
	}
}

// Random inserts and purges against a map: whole scans, resumed scans and segments all show the sorted map.
func TestOrderedIndex(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	ctx, clock := t.Context(), newClock(t)
	s := newStore[int](t, nil)
	model := map[string]stores.Version{}
	for i := range 20_000 {
		key := fmt.Sprintf("%05d", rng.IntN(6000))
		if i < 3000 {
			key = fmt.Sprintf("%05d", 6000+i) // in order
		}
		if v, ok := model[key]; ok && rng.IntN(2) == 0 {
			purge(t, s, key, v)
			delete(model, key)
			continue
		}
		w := blind(t, clock, key, i)
		w.Record.Deleted = true
		if err := s.Put(ctx, w); err != nil {
			t.Fatal(err)
		}
		model[key] = w.Record.Version
	}
	want := slices.Sorted(maps.Keys(model))
	if diff := cmp.Diff(want, scanned(ctx, t, s, "", nil)); diff != "" {
		t.Errorf("whole scan: %s", diff)
	}
	at := rng.IntN(len(want))
	if diff := cmp.Diff(want[at+1:], scanned(ctx, t, s, "", []byte(want[at]))); diff != "" {
		t.Errorf("resumed after %s: %s", want[at], diff)
	}
	if n, err := s.ApproxCount(ctx); err != nil || n != int64(len(want)) {
		t.Errorf("count %d, %v; want %d", n, err, len(want))
	}
	for _, n := range []int{1, 2, 7, 100, 10_000} {
		segs, err := s.Segments(ctx, n)
		if err != nil || len(segs) != min(n, len(want)) {
			t.Fatalf("%d segments for %d: %v", len(segs), n, err)
		}
		var all []string
		for _, seg := range segs {
			part := scanned(ctx, t, s, seg, nil)
			if most := len(want)/len(segs) + 1; len(part) > most {
				t.Errorf("a segment of %d has %d records, more than %d", n, len(part), most)
			}
			all = append(all, part...)
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("%d segments: %s", n, diff)
		}
	}
}

func purge(t *testing.T, s *memstore.Store[string, int], key string, v stores.Version) {
	t.Helper()
	errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: key, Version: v}})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatalf("purging %s: %v", key, err)
	}
}

func scanned[V any](ctx context.Context, t *testing.T, s stores.Store[string, V], seg stores.Segment, after []byte) []string {
	t.Helper()
	var keys []string
	for e, err := range s.Scan(ctx, seg, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key)
	}
	return keys
}

func TestChunksFillUp(t *testing.T) {
	t.Parallel()
	s, clock := newStore[int](t, nil), newClock(t)
	for i := range 4 * memstore.ChunkSize {
		if err := s.Put(t.Context(), blind(t, clock, fmt.Sprintf("%05d", i), i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Chunks(); n != 4 {
		t.Errorf("%d chunks of %d hold %d records that came in order, want 4", n, memstore.ChunkSize, 4*memstore.ChunkSize)
	}
}

func TestForeignSegment(t *testing.T) {
	t.Parallel()
	s := newStore[string](t, nil)
	for _, seg := range []stores.Segment{"x", "zz-", "-zz", "0-1"} {
		n := 0
		for _, err := range s.Scan(t.Context(), seg, nil) {
			if n++; !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("segment %q: %v", seg, err)
			}
		}
		if n != 1 {
			t.Errorf("segment %q yielded %d times", seg, n)
		}
	}
}

// A pair write that waits for one store must not hold the other: pairs that name the stores in opposite order would
// wait for each other for ever.
func TestPairWriteWaitsWithoutALock(t *testing.T) {
	t.Parallel()
	a, b := newStore[int](t, nil), newStore[int](t, nil)
	clock := newClock(t)
	for _, names := range [][2]*memstore.Store[string, int]{{a, b}, {b, a}} {
		release := b.Hold()
		started, done := make(chan struct{}), make(chan error)
		go func() {
			w := blind(t, clock, "pair", 1)
			close(started)
			done <- names[0].PutPair(t.Context(), w, names[1], w)
		}()
		<-started
		written := make(chan error)
		go func() {
			var err error
			for i := range 10_000 {
				err = errors.Join(err, a.Put(t.Context(), blind(t, clock, fmt.Sprint(i%10), i)))
			}
			written <- err
		}()
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("one store can not be written to while a pair write waits for the other")
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestPairWriteWithinOneStore(t *testing.T) {
	t.Parallel()
	s, clock := newStore[int](t, nil), newClock(t)
	w1, w2 := blind(t, clock, "a", 1), blind(t, clock, "b", 2)
	if err := s.PutPair(t.Context(), w1, s, w2); err != nil {
		t.Error(err)
	}
	if err := s.PutPair(t.Context(), w1, s, w1); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("one record twice: %v", err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, scanned(t.Context(), t, s, "", nil)); diff != "" {
		t.Error(diff)
	}
}
