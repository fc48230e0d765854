package dynamostore

import (
	"errors"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

type session struct {
	User    string    `dynamodbav:"user"`
	Expires time.Time `dynamodbav:"exp,unixtime"`
}

var noon = time.Unix(1_800_000_000, 0)

// sessions is a store whose clock stands at noon.
func sessions(t *testing.T, o *Options[string, session]) *Store[string, session] {
	t.Helper()
	if o == nil {
		o = &Options[string, session]{}
	}
	o.ExpiresAt = func(s session) time.Time {
		if s.Expires.Unix() == 0 {
			return time.Time{}
		}
		return s.Expires
	}
	client := newClient(t)
	s := open(t, client, newTable(t, client, "id:S"), o)
	s.now = func() time.Time { return noon }
	return s
}

// reads returns what each way of reading says of a key.
func reads(t *testing.T, s *Store[string, session], key string) map[string]stores.Record[session] {
	t.Helper()
	all := map[string]stores.Record[session]{}
	note := func(how string, r stores.Record[session], err error) {
		r, err = stores.OrAbsent(r, err)
		if err != nil {
			t.Errorf("%s: %v", how, err)
		}
		all[how] = r
	}
	r, err := s.Get(t.Context(), key)
	note("get", r, err)
	res, err := s.GetMany(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	note("get many", res[0].Record, res[0].Err)
	scanned, err := stores.Record[session]{}, stores.ErrNotFound
	for e, scanErr := range s.Scan(t.Context(), "", nil) {
		if scanErr != nil || e.Key == key {
			scanned, err = e.Record, scanErr
		}
	}
	note("scan", scanned, err)
	w := stores.Write[string, session]{Key: key, Record: stores.Record[session]{Meta: stores.Meta{Version: stamp(99)}}, If: stores.IfStamp(stamp(98))}
	for how, err := range map[string]error{"refusal": s.Put(t.Context(), w), "refusal in a batch": func() error {
		errs, _ := s.PutMany(t.Context(), []stores.Write[string, session]{w, {Key: "other " + key, Record: w.Record, If: w.If}})
		return errs[0]
	}()} {
		outcome, m := stores.OutcomeOf(err)
		if outcome != stores.OutcomeRefused {
			t.Errorf("%s: %v", how, err)
		}
		r := stores.Record[session]{Meta: m}
		if r.Live() {
			r.Value = all["get"].Value
		}
		all[how] = r
	}
	return all
}

func putSession(t *testing.T, s *Store[string, session], key string, m stores.Meta, expires time.Time) {
	t.Helper()
	mustPut(t, s, stores.Write[string, session]{Key: key, Record: stores.Record[session]{Meta: m, Value: session{"u", expires}}, If: stores.IfOlder(m.Version)})
}

func TestExpiredRecordsReadAsDeleted(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*Options[string, session]{"items": nil, "view": {Attributes: []string{"user", "exp"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessions(t, o)
			stamped := stores.Meta{Version: stamp(5), Prev: stamp(4), Intent: true}
			putSession(t, s, "live", stamped, noon.Add(time.Second))
			putSession(t, s, "never", stamped, time.Unix(0, 0))
			putSession(t, s, "gone", stamped, noon)
			putSession(t, s, "gone legacy", stores.Meta{Version: stores.Unstamped}, noon.Add(-time.Hour))
			deleted := stamped
			deleted.Deleted = true
			for key, want := range map[string]stores.Meta{
				"live": stamped, "never": stamped, "gone": deleted, "gone legacy": {Version: stores.Absent},
			} {
				for how, r := range reads(t, s, key) {
					if r.Meta != want || r.Live() != (r.Value.User == "u") {
						t.Errorf("%s of %s: %+v, want %+v", how, key, r, want)
					}
				}
			}
		})
	}
}

// TestExpiredLegacyRecordsAreReplaced: they read as absent, so what holds for absent holds for them, unless somebody has
// renewed them meanwhile.
func TestExpiredLegacyRecordsAreReplaced(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*Options[string, session]{"items": nil, "view": {Attributes: []string{"user", "exp"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessions(t, o)
			for key, cond := range map[string]stores.Condition{
				"create": stores.IfStamp(stores.Absent), "at most": stores.IfAtMost(stores.Absent, stores.Unknown), "older": stores.IfOlder(stamp(7)),
			} {
				putSession(t, s, key, stores.Meta{Version: stores.Unstamped}, noon.Add(-time.Hour))
				mustPut(t, s, stores.Write[string, session]{Key: key, Record: stores.Record[session]{Meta: stores.Meta{Version: stamp(7)}, Value: session{"new", time.Unix(0, 0)}}, If: cond})
				if r, err := s.Get(t.Context(), key); err != nil || r.Version != stamp(7) || r.Value.User != "new" {
					t.Errorf("%s: %+v, %v", key, r, err)
				}
			}
			putSession(t, s, "copy", stores.Meta{Version: stores.Unstamped}, noon.Add(-time.Hour))
			errs, err := s.PutMany(t.Context(), []stores.Write[string, session]{
				{Key: "copy", Record: stores.Record[session]{Meta: stores.Meta{Version: stores.Unstamped}, Value: session{"new", noon.Add(time.Hour)}}, If: stores.IfOlder(stores.Unstamped)},
				{Key: "copy 2", Record: stores.Record[session]{Meta: stores.Meta{Version: stores.Unstamped}, Value: session{"new", noon.Add(time.Hour)}}, If: stores.IfOlder(stores.Unstamped)},
			})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Error(err)
			}
			if r, err := s.Get(t.Context(), "copy"); err != nil || r.Value.User != "new" {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestRenewedLegacyRecordIsNotReplaced: between the refusal that shows the expired record and the write that replaces it,
// the application renews it.
func TestRenewedLegacyRecordIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := sessions(t, nil)
	putSession(t, s, "k", stores.Meta{Version: stores.Unstamped}, noon.Add(-time.Hour))
	expires, looked := s.opts.ExpiresAt, false
	s.opts.ExpiresAt = func(v session) time.Time {
		if !looked {
			looked = true
			plant(t, s.client, s.table.name, Item{"id": avS("k"), "user": avS("renewed"), "exp": avN("1900000000")})
		}
		return expires(v)
	}
	err := s.Put(t.Context(), stores.Write[string, session]{Key: "k", Record: stores.Record[session]{Meta: stores.Meta{Version: stamp(1)}}, If: stores.IfStamp(stores.Absent)})
	if o, m := stores.OutcomeOf(err); o != stores.OutcomeRefused || !m.Version.IsUnstamped() {
		t.Errorf("%v", err)
	}
	if r, err := s.Get(t.Context(), "k"); err != nil || r.Value.User != "renewed" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTombstonesCarryNoAttributes: what DynamoDB removes items by goes with the value, so that a tombstone stays.
func TestTombstonesCarryNoAttributes(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*Options[string, session]{"items": nil, "view": {Attributes: []string{"user", "exp"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessions(t, o)
			tombstone := func(key string) stores.Write[string, session] {
				r := stores.Record[session]{Meta: stores.Meta{Version: stamp(6), Deleted: true}, Value: session{"u", noon}}
				return stores.Write[string, session]{Key: key, Record: r, If: stores.IfOlder(stamp(6))}
			}
			for _, key := range []string{"a", "b"} {
				putSession(t, s, key, stores.Meta{Version: stamp(5)}, noon.Add(time.Hour))
			}
			mustPut(t, s, tombstone("a"))
			errs, err := s.PutMany(t.Context(), []stores.Write[string, session]{tombstone("b"), tombstone("c"), tombstone("d")})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"a", "b", "c", "d"} {
				item := raw(t, s.client, s.table.name, key(id))
				if m, err := s.meta(item); err != nil || !m.Deleted {
					t.Errorf("%s: %+v, %v", id, m, err)
				}
				sameItem(t, without(item, s.opts.Meta), key(id))
			}
		})
	}
}
