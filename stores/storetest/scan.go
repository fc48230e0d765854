package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// scanned is how many records the longer scans have: more than fit on one page of most stores.
const scanned = 600

func testScan[K, V any](e *env[K, V]) {
	e.fresh("empty store", func(e *env[K, V]) { e.sameEntries(e.scan("", nil), nil) })
	e.fresh("everything once", func(e *env[K, V]) {
		all := e.fill(scanned)
		entries := e.scan("", nil)
		e.covers(entries, all)
		e.sameEntries(e.scan("", nil), entries)
	})
	e.fresh("resume after each key", testResume[K, V])
	e.fresh("left early", func(e *env[K, V]) {
		e.fill(10)
		for _, err := range e.s.Scan(e.Context(), "", nil) {
			if err != nil {
				e.Error(err)
			}
			break
		}
		e.inTime(func(ctx context.Context) error { return e.putNew(ctx, e.newKey(), e.stamp()) })
	})
	e.fresh("body writes to the store", testScanBodyWrites[K, V])
	e.fresh("body writes ahead", testScanBodyWritesAhead[K, V])
	e.fresh("body purges", testScanBodyPurges[K, V])
	e.fresh("body scans the store", func(e *env[K, V]) {
		all := e.fill(20)
		e.inTime(func(ctx context.Context) error {
			for _, err := range e.s.Scan(ctx, "", nil) {
				if err != nil {
					return err
				}
				n := 0
				for range e.s.Scan(ctx, "", nil) { //nolint:errcheck // an error would be one record too many or too few
					n++
				}
				if n != len(all) {
					return fmt.Errorf("a scan within a scan yields %d times, want %d", n, len(all))
				}
			}
			return nil
		})
	})
	e.fresh("undecodable record", testUndecodable[K, V])
}

// covers checks that entries are exactly the records wanted, each once, in any order.
func (e *env[K, V]) covers(entries []stores.Entry[K, V], want map[string]stores.Entry[K, V]) {
	e.Helper()
	seen := make(map[string]bool, len(entries))
	for _, entry := range entries {
		key := string(e.canonical(entry.Key))
		w, known := want[key]
		switch {
		case seen[key]:
			e.Errorf("%v is yielded twice", entry.Key)
		case !known:
			e.Errorf("%v is yielded and was not stored here", entry.Key)
		default:
			e.same(entry.Record, w.Record)
		}
		seen[key] = true
	}
	missing := 0
	for key, w := range want {
		if !seen[key] {
			if missing++; missing <= 3 {
				e.Errorf("%v is not yielded", w.Key)
			}
		}
	}
	if missing > 3 {
		e.Errorf("%d of %d records are not yielded", missing, len(want))
	}
}

func testResume[K, V any](e *env[K, V]) {
	e.fill(40)
	entries := e.scanAll(40)
	for i, entry := range entries {
		e.sameEntries(e.scan("", e.canonical(entry.Key)), entries[i+1:])
	}
}

// putNew is put for goroutines.
func (e *env[K, V]) putNew(ctx context.Context, key K, v stores.Version) error {
	return e.s.Put(ctx, stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 0), If: stores.IfOlder(v)})
}

// scanning runs a body for each record of a scan, whose canonical key is canon, and tells how often each was yielded.
func (e *env[K, V]) scanning(body func(ctx context.Context, seen map[string]int, canon string, entry stores.Entry[K, V]) error) map[string]int {
	e.Helper()
	seen := map[string]int{}
	e.inTime(func(ctx context.Context) error {
		for entry, err := range e.s.Scan(ctx, "", nil) {
			if err != nil {
				return err
			}
			b, err := e.s.Keys().Append(nil, entry.Key)
			if err != nil {
				return err
			}
			seen[string(b)]++
			if err := body(ctx, seen, string(b), entry); err != nil {
				return err
			}
		}
		return nil
	})
	return seen
}

// yieldedOnce checks that each of some records was yielded once, and nothing twice.
func (e *env[K, V]) yieldedOnce(all map[string]stores.Entry[K, V], seen map[string]int) {
	e.Helper()
	for key, entry := range all {
		if seen[key] == 0 {
			e.Errorf("%v was not yielded", entry.Key)
		}
	}
	for key, n := range seen {
		if n > 1 {
			e.Errorf("%s was yielded %d times", stores.FormatKey([]byte(key)), n)
		}
	}
}

// testScanBodyWrites replaces each record that the scan yields and adds one: what was there at the start still is
// yielded once.
func testScanBodyWrites[K, V any](e *env[K, V]) {
	all := e.fill(scanned)
	e.yieldedOnce(all, e.scanning(func(ctx context.Context, _ map[string]int, canon string, entry stores.Entry[K, V]) error {
		if _, original := all[canon]; !original {
			return nil
		}
		if err := e.putNew(ctx, entry.Key, e.stamp()); err != nil {
			return fmt.Errorf("replacing the record just yielded: %w", err)
		}
		if err := e.putNew(ctx, e.newKey(), e.stamp()); err != nil {
			return fmt.Errorf("adding a record: %w", err)
		}
		return nil
	}))
}

// testScanBodyWritesAhead replaces records that the scan has yet to yield. They were there all the time.
func testScanBodyWritesAhead[K, V any](e *env[K, V]) {
	all := e.fill(scanned)
	e.yieldedOnce(all, e.scanning(func(ctx context.Context, seen map[string]int, _ string, _ stores.Entry[K, V]) error {
		if len(seen)%10 != 1 {
			return nil
		}
		for key, ahead := range all {
			if seen[key] > 0 {
				continue
			}
			if err := e.putNew(ctx, ahead.Key, e.stamp()); err != nil {
				return fmt.Errorf("replacing a record ahead: %w", err)
			}
			return nil
		}
		return nil
	}))
}

// testScanBodyPurges removes tombstones that the scan has yielded, as finishing a migration does. That moves no other record.
func testScanBodyPurges[K, V any](e *env[K, V]) {
	if _, err := stores.Purge(e.Context(), e.s, []stores.PurgeTarget[K]{}); isUnsupported(err) {
		e.Skip("the store does not purge")
	}
	all := e.fill(scanned)
	n := 0
	for _, entry := range all {
		if n++; n%6 == 0 {
			e.put(entry.Key, stores.Meta{Version: e.stamp(), Deleted: true}, 0, stores.IfStamp(entry.Record.Version))
		}
	}
	e.yieldedOnce(all, e.scanning(func(ctx context.Context, _ map[string]int, _ string, entry stores.Entry[K, V]) error {
		if !entry.Record.Deleted {
			return nil
		}
		errs, err := stores.Purge(ctx, e.s, []stores.PurgeTarget[K]{{Key: entry.Key, Version: entry.Record.Version}})
		if err := errors.Join(append(errs, err)...); err != nil {
			return fmt.Errorf("purging the tombstone just yielded: %w", err)
		}
		return nil
	}))
}

// testUndecodable checks that one broken record neither ends a scan nor passes for a missing one.
func testUndecodable[K, V any](e *env[K, V]) {
	if e.cfg.Corrupt == nil {
		e.Skip("no Config.Corrupt")
	}
	all := e.fill(9)
	broken := e.scanAll(9)[4].Key
	e.cfg.Corrupt(e.T, e.s, broken)
	canonical := e.canonical(broken)
	delete(all, string(canonical))

	undecodable := func(err error) bool {
		var bad *stores.RecordError
		return errors.As(err, &bad) && bytes.Equal(bad.Key, canonical) && bad.Err != nil
	}
	if _, err := e.s.Get(e.Context(), broken); !undecodable(err) {
		e.Errorf("get of a record that does not decode: %v, want a RecordError with key %s", err, stores.FormatKey(canonical))
	}
	var entries []stores.Entry[K, V]
	reported := 0
	for entry, err := range e.s.Scan(e.Context(), "", nil) {
		switch {
		case err == nil:
			entries = append(entries, entry)
		case undecodable(err):
			reported++
		default:
			e.Errorf("error %v, want a RecordError with key %s", err, stores.FormatKey(canonical))
		}
	}
	if reported != 1 {
		e.Errorf("the broken record was reported %d times", reported)
	}
	e.covers(entries, all)
	if e.Failed() {
		return
	}
	res, err := stores.GetMany(e.Context(), e.s, []K{entries[0].Key, broken})
	if err != nil || len(res) != 2 || res[0].Err != nil || !undecodable(res[1].Err) {
		e.Errorf("batch read with a broken record: %+v, %v", res, err)
	}
}

// scanUntil calls stop after n records and checks that a scan that ends early says so.
func (e *env[K, V]) scanUntil(ctx context.Context, n int, total int, stop func(), want error) error {
	got := 0
	for _, err := range e.s.Scan(ctx, "", nil) {
		if err != nil {
			if !errors.Is(err, want) {
				return fmt.Errorf("after %d records: error is %w, want %w", got, err, want)
			}
			return nil
		}
		if got++; got == n {
			stop()
		}
	}
	if got < total {
		return fmt.Errorf("the scan ended after %d of %d records without an error", got, total)
	}
	return nil
}
