package flags

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The decision as a table: a status, one reading, the status after it. Times are seconds; cut off is more than 30.
func TestNext(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(1_000_000+int64(s), 0) }
	broken, again, old := errors.New("broken"), errors.New("broken again"), errors.New("flags may be old")
	inOld := Status{Phase: OldOnly, Since: at(0), Confirmed: at(100)}
	held := inOld
	held.Held, held.HeldSince, held.Reason = NewOnly, at(100), "held"
	with := func(s Status, change func(*Status)) Status { change(&s); return s }
	for _, tc := range []struct {
		name   string
		before Status
		read   reading
		want   Status
	}{
		{"a first value is accepted, wherever it is", Status{}, reading{at: at(1), phase: NewOnly},
			Status{Phase: NewOnly, Since: at(1), Confirmed: at(1)}},
		{"the same value is a confirmation", inOld, reading{at: at(110), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed = at(110) })},
		{"a neighbour is entered", inOld, reading{at: at(110), phase: ReadOldWriteBoth},
			Status{Phase: ReadOldWriteBoth, Since: at(110), Confirmed: at(110)}},
		{"a jump is held", inOld, reading{at: at(130), phase: NewOnly},
			with(inOld, func(s *Status) { s.Confirmed, s.Held, s.HeldSince, s.Reason = at(130), NewOnly, at(130), "held" })},
		{"a hold goes on, in touch with the flag", held, reading{at: at(125), phase: NewOnly},
			with(held, func(s *Status) { s.Confirmed = at(125) })},
		{"a hold moves to another jump", held, reading{at: at(125), phase: ReadNewWriteBoth},
			with(held, func(s *Status) { s.Confirmed, s.Held, s.HeldSince = at(125), ReadNewWriteBoth, at(125) })},
		{"a hold ends with the phase in force", held, reading{at: at(125), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed = at(125) })},
		{"a hold ends with a neighbour", held, reading{at: at(125), phase: ReadOldWriteBoth},
			Status{Phase: ReadOldWriteBoth, Since: at(125), Confirmed: at(125)}},
		{"a jump is followed after a cut", inOld, reading{at: at(131), phase: NewOnly},
			Status{Phase: NewOnly, Since: at(131), Confirmed: at(131)}},
		{"a held jump is not followed after a cut", held, reading{at: at(500), phase: NewOnly},
			with(held, func(s *Status) { s.Confirmed = at(500) })},
		{"another jump is followed after a cut", held, reading{at: at(500), phase: ReadNewWriteBoth},
			Status{Phase: ReadNewWriteBoth, Since: at(500), Confirmed: at(500)}},
		{"a failure keeps the phase and the confirmation", inOld, reading{at: at(110), err: broken},
			with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken, at(110), "broken" })},
		{"a second failure keeps since when", with(inOld, func(s *Status) { s.Err, s.ErrSince = broken, at(110) }), reading{at: at(120), err: again},
			with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = again, at(110), "broken again" })},
		{"a failure keeps a hold", held, reading{at: at(110), err: broken},
			with(held, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken, at(110), "broken" })},
		{"a success ends a failure", with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken, at(110), "broken" }), reading{at: at(120), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed = at(120) })},
		{"a doubtful value is no confirmation", inOld, reading{at: at(110), phase: OldOnly, doubt: old},
			with(inOld, func(s *Status) { s.Reason = "flags may be old" })},
		{"a doubtful neighbour is news", inOld, reading{at: at(110), phase: ReadOldWriteBoth, doubt: old},
			Status{Phase: ReadOldWriteBoth, Since: at(110), Confirmed: at(100), Reason: "flags may be old"}},
		{"a doubtful first value is accepted", Status{}, reading{at: at(1), phase: NewOnly, doubt: old},
			Status{Phase: NewOnly, Since: at(1), Reason: "flags may be old"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.want.Evaluations = 1
			got := tc.before.next(tc.read, 30*time.Second)
			if tc.want.Reason == "held" {
				tc.want.Reason = "the flag says " + tc.want.Held.String() + ", which jumps over a phase from old-only: held"
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
