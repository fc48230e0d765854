package stores_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// at makes the version that a writer 1 stamps at the given millisecond.
func at(ms int64) stores.Version { return by(ms, 1) }

func by(ms int64, writer byte) stores.Version {
	var s stores.Stamp
	s[4], s[5], s[15] = byte(ms>>8), byte(ms), writer
	return s.Version()
}

func TestVersionOrder(t *testing.T) {
	t.Parallel()
	ordered := []stores.Version{stores.Absent, stores.Unstamped, at(1), by(1, 2), at(2), at(256)}
	for i, v := range ordered {
		for j, w := range ordered {
			if got, want := v.Newer(w), i > j; got != want {
				t.Errorf("%v newer than %v: %v", v, w, got)
			}
			if got, want := v.Same(w), i == j; got != want {
				t.Errorf("%v same as %v: %v", v, w, got)
			}
		}
		if v.Same(stores.Unknown) || stores.Unknown.Same(v) || v.Newer(stores.Unknown) || stores.Unknown.Newer(v) {
			t.Errorf("unknown compares with %v", v)
		}
	}
	if stores.Unknown.Same(stores.Unknown) {
		t.Error("unknown equals itself")
	}
}

func TestVersionForms(t *testing.T) {
	t.Parallel()
	for _, v := range []stores.Version{stores.Unknown, stores.Absent, stores.Unstamped, at(1), by(77, 9)} {
		back, err := stores.ParseVersion(v.String())
		if err != nil || back != v {
			t.Errorf("text of %v came back as %v, %v", v, back, err)
		}
		b, _ := v.AppendBinary([]byte("x"))
		back, rest, err := stores.CutVersion(append(b, "rest"...)[1:])
		if err != nil || back != v || string(rest) != "rest" {
			t.Errorf("bytes of %v came back as %v, %q, %v", v, back, rest, err)
		}
	}
	for _, bad := range []string{"", "0", "absent ", fmt.Sprintf("%032d", 0), "zz" + at(1).String()[2:]} {
		if v, err := stores.ParseVersion(bad); err == nil {
			t.Errorf("%q parsed as %v", bad, v)
		}
	}
	for _, bad := range [][]byte{nil, {4}, {3, 1, 2}, append([]byte{3}, make([]byte, 16)...)} {
		if v, _, err := stores.CutVersion(bad); err == nil {
			t.Errorf("% x cut as %v", bad, v)
		}
	}
}

func TestConditionTruthTable(t *testing.T) {
	t.Parallel()
	stored := []stores.Version{stores.Absent, stores.Unstamped, at(1), at(2), at(3), at(9)}
	tests := []struct {
		c    stores.Condition
		want []bool // for each of stored
	}{
		{stores.IfStamp(stores.Absent), []bool{true, false, false, false, false, false}},
		{stores.IfStamp(stores.Unstamped), []bool{false, true, false, false, false, false}},
		{stores.IfStamp(at(2)), []bool{false, false, false, true, false, false}},
		{stores.IfOlder(stores.Unstamped), []bool{true, false, false, false, false, false}},
		{stores.IfOlder(at(2)), []bool{true, true, true, false, false, false}},
		{stores.IfAtMost(stores.Absent, stores.Unknown), []bool{true, false, false, false, false, false}},
		{stores.IfAtMost(stores.Unstamped, stores.Unknown), []bool{true, true, false, false, false, false}},
		{stores.IfAtMost(at(2), stores.Unknown), []bool{true, true, true, true, false, false}},
		{stores.IfAtMost(at(2), at(9)), []bool{true, true, true, true, false, true}},
		{stores.IfAtMost(stores.Absent, at(9)), []bool{true, false, false, false, false, true}},
	}
	for _, tt := range tests {
		if err := tt.c.Validate(); err != nil {
			t.Errorf("%v: %v", tt.c, err)
		}
		for i, s := range stored {
			if got := tt.c.Holds(s); got != tt.want[i] {
				t.Errorf("%v on stored %v: %v", tt.c, s, got)
			}
		}
		if tt.c.Holds(stores.Unknown) {
			t.Errorf("%v holds on an unknown version", tt.c)
		}
	}
	for _, c := range []stores.Condition{
		{}, stores.IfOlder(stores.Absent), stores.IfOlder(stores.Unknown), stores.IfStamp(stores.Unknown),
		stores.IfAtMost(stores.Unknown, at(1)), stores.IfAtMost(at(1), stores.Absent), {Kind: stores.KindIfStamp, Version: at(1), OrDead: at(2)},
	} {
		if c.Validate() == nil {
			t.Errorf("%v is valid", c)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	meta := func(v, prev stores.Version, intent bool) stores.Meta {
		return stores.Meta{Version: v, Prev: prev, Intent: intent}
	}
	tests := []struct {
		name     string
		old, new stores.Meta
		want     stores.Resolution
	}{
		{"nothing anywhere", meta(stores.Absent, stores.Unknown, false), meta(stores.Absent, stores.Unknown, false), stores.InStep},
		{"same stamp", meta(at(2), at(1), false), meta(at(2), at(1), false), stores.InStep},
		{"intent completed", meta(at(2), at(1), true), meta(at(2), at(1), false), stores.InStep},
		{"new ahead", meta(at(2), at(1), false), meta(at(3), at(2), false), stores.InStep},
		{"legacy record not copied", meta(stores.Unstamped, stores.Unknown, false), meta(stores.Absent, stores.Unknown, false), stores.CopyOver},
		{"missed mirror", meta(at(2), at(1), false), meta(at(1), stores.Unknown, false), stores.CopyOver},
		{"live intent", meta(at(2), at(1), true), meta(at(1), stores.Unknown, false), stores.Complete},
		{"live intent on nothing", meta(at(2), stores.Absent, true), meta(stores.Absent, stores.Unknown, false), stores.Complete},
		{"new moved on", meta(at(5), at(1), true), meta(at(2), at(1), false), stores.Dead},
		{"new lost what it was based on", meta(at(5), at(1), true), meta(stores.Absent, stores.Unknown, false), stores.Lost},
		{"intent without a base", meta(at(5), stores.Unknown, true), meta(at(1), stores.Unknown, false), stores.Lost},
	}
	for _, tt := range tests {
		if got := stores.Resolve(tt.old, tt.new); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestClockNext(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1000)
	clock, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return now }, Rand: bytes.NewReader([]byte("writer-1"))})
	if err != nil {
		t.Fatal(err)
	}
	last := stores.Unknown
	step := func(after ...stores.Version) stores.Version {
		t.Helper()
		v, err := clock.Next(after...)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range append(after, last) {
			if _, ok := a.Stamp(); ok && !v.Newer(a) {
				t.Errorf("%v is not after %v", v, a)
			}
		}
		last = v
		return v
	}
	step()
	step(stores.Absent, stores.Unstamped, stores.Unknown)
	ahead := by(5000, 0xff)
	step(ahead, at(7))
	now = now.Add(-time.Second) // the wall clock steps back
	s, _ := step().Stamp()
	if s.Time() != time.UnixMilli(5000).UTC() {
		t.Errorf("time of %v is %v", s, s.Time())
	}
	if _, err := stores.NewClock(&stores.ClockOptions{MaxAhead: -1}); err == nil {
		t.Error("a clock takes a negative MaxAhead")
	}
}

// A stamp that is far ahead counts for its own record, up to a bound; the stamps of other records stay at the present.
func TestClockAndAStampFarAhead(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := start
	clock, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	made := map[stores.Version]bool{}
	next := func(after ...stores.Version) time.Time {
		t.Helper()
		v, err := clock.Next(after...)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range after {
			if !v.Newer(a) {
				t.Errorf("%v is not after %v", v, a)
			}
		}
		if made[v] {
			t.Errorf("%v was made before", v)
		}
		made[v] = true
		s, _ := v.Stamp()
		return s.Time()
	}
	for _, ahead := range []time.Duration{2 * time.Minute, time.Hour, 24 * time.Hour} {
		for range 3 {
			if got := next(stampOf(start.Add(ahead)), stampOf(start)); !got.Equal(start.Add(ahead)) {
				t.Errorf("the stamp above one that is %v ahead is at %v", ahead, got)
			}
			if got := next(); !got.Equal(start) {
				t.Errorf("after a stamp that is %v ahead, another record's is at %v", ahead, got)
			}
		}
	}
	now = start.Add(time.Hour) // the time that stamps were made for comes
	for range 5 {
		next(stampOf(now))
	}
	now = start
	tooFar := []stores.Version{stampOf(start.Add(24*time.Hour + time.Millisecond)), stampOf(start.AddDate(100, 0, 0))}
	for range 8 { // the last stamps that there are
		tooFar = append(tooFar, stores.Stamp{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, byte(0xf8 + len(tooFar)%8), 1}.Version())
	}
	for _, v := range tooFar {
		if _, err := clock.Next(v); !errors.Is(err, stores.ErrClockAhead) || !strings.Contains(err.Error(), v.String()) || strings.Contains(err.Error(), "by -") {
			t.Errorf("after %v: %v", v, err)
		}
		next()
	}
	patient, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return now }, MaxAhead: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := patient.Next(tooFar[0]); err != nil || !v.Newer(tooFar[0]) {
		t.Errorf("with more room: %v, %v", v, err)
	}
	strict, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return now }, MaxAhead: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := strict.Next(stampOf(start.Add(2 * time.Second))); !errors.Is(err, stores.ErrClockAhead) {
		t.Errorf("with less room than a clock follows: %v, %v", v, err)
	}
}

// stampOf is what some other clock made at a time.
func stampOf(t time.Time) stores.Version {
	var s stores.Stamp
	binary.BigEndian.PutUint64(s[:8], uint64(t.UnixMilli())<<16)
	s[15] = 7
	return s.Version()
}

func TestClockIsUniqueUnderConcurrency(t *testing.T) {
	t.Parallel()
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 2000
	made := make([][]stores.Version, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				v, _ := clock.Next()
				made[w] = append(made[w], v)
			}
		})
	}
	wg.Wait()
	seen := map[stores.Version]bool{}
	for _, m := range made {
		if !slices.IsSortedFunc(m, stores.Version.Compare) {
			t.Error("a goroutine saw its stamps go back")
		}
		for _, v := range m {
			seen[v] = true
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d distinct stamps of %d", len(seen), writers*each)
	}
}

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	refused := &stores.ConditionError{Stored: stores.Meta{Version: at(3)}}
	tests := []struct {
		err  error
		want stores.Outcome
	}{
		{nil, stores.OutcomeApplied},
		{cause, stores.OutcomeUnknown},
		{fmt.Errorf("put: %w", refused), stores.OutcomeRefused},
		{stores.Permanent(cause), stores.OutcomeRejected},
		{stores.Transient(cause), stores.OutcomeFailed},
		{stores.ErrClosed, stores.OutcomeRejected},
	}
	for _, tt := range tests {
		got, stored := stores.OutcomeOf(tt.err)
		if got != tt.want || got == stores.OutcomeRefused && stored.Version != at(3) {
			t.Errorf("%v: %v with %v", tt.err, got, stored)
		}
	}
	if !errors.Is(stores.Permanent(cause), cause) {
		t.Error("the cause is gone")
	}
}

func TestWriteValidate(t *testing.T) {
	t.Parallel()
	write := func(m stores.Meta, c stores.Condition) error {
		w := stores.Write[string, int]{Key: "k", Record: stores.Record[int]{Meta: m}, If: c}
		return w.Validate()
	}
	for _, ok := range []error{
		write(stores.Meta{Version: at(1)}, stores.IfOlder(at(1))),
		write(stores.Meta{Version: at(2), Prev: at(1), Intent: true}, stores.IfAtMost(at(1), stores.Unknown)),
		write(stores.Meta{Version: stores.Unstamped}, stores.IfOlder(stores.Unstamped)),
	} {
		if ok != nil {
			t.Error(ok)
		}
	}
	for _, bad := range []error{
		write(stores.Meta{}, stores.IfOlder(at(1))),
		write(stores.Meta{Version: stores.Absent}, stores.IfOlder(at(1))),
		write(stores.Meta{Version: at(1)}, stores.Condition{}),
		write(stores.Meta{Version: stores.Unstamped}, stores.IfStamp(stores.Absent)),
		write(stores.Meta{Version: stores.Unstamped, Deleted: true}, stores.IfOlder(stores.Unstamped)),
	} {
		if !errors.Is(bad, stores.ErrPermanent) {
			t.Errorf("accepted or not permanent: %v", bad)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	ints := []int64{-1 << 63, -2, -1, 0, 1, 1<<63 - 1}
	var last []byte
	for _, i := range ints {
		b, err := stores.Int64Keys[int64]().Append(nil, i)
		if err != nil || last != nil && bytes.Compare(last, b) >= 0 {
			t.Errorf("%d: % x after % x, %v", i, b, last, err)
		}
		back, err := stores.Int64Keys[int64]().Parse(b)
		if err != nil || back != i {
			t.Errorf("%d came back as %d, %v", i, back, err)
		}
		last = b
	}
	if _, err := stores.StringKeys[string]().Append(nil, ""); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("empty string: %v", err)
	}
	if got := stores.FormatKey([]byte("a b")) + stores.FormatKey([]byte{0, 1}); got != `"a b"0x0001` {
		t.Error(got)
	}
}
