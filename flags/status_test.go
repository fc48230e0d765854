package flags

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func at(s int) time.Time { return time.Unix(1_000_000+int64(s), 0) }

// What a provider answers, or does not.
var (
	broken = fault{err: errors.New("broken"), lost: true}
	again  = fault{err: errors.New("broken again"), lost: true}
	off    = fault{err: errors.New("the flag is disabled")}
	errOld = errors.New("flags may be old")
)

// The decision as a table: a status, one reading, the status after it. Times are seconds; cut off is more than 30.
func TestNext(t *testing.T) {
	t.Parallel()
	inOld := Status{Phase: OldOnly, Since: at(0), Confirmed: at(100), InTouch: at(100)}
	held := inOld
	held.Held, held.HeldSince, held.Reason = NewOnly, at(100), "held"
	with := func(s Status, change func(*Status)) Status { change(&s); return s }
	in := func(p Phase, now int) Status {
		return Status{Phase: p, Since: at(now), Confirmed: at(now), InTouch: at(now), PhaseChanges: 1}
	}
	for _, tc := range []struct {
		name   string
		before Status
		read   reading
		want   Status
	}{
		{"a first value is accepted, wherever it is", Status{}, reading{at: at(1), phase: NewOnly},
			with(in(NewOnly, 1), func(s *Status) { s.PhaseChanges = 0 })},
		{"the same value is a confirmation", inOld, reading{at: at(110), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed, s.InTouch = at(110), at(110) })},
		{"a neighbour is entered", inOld, reading{at: at(110), phase: ReadOldWriteBoth}, in(ReadOldWriteBoth, 110)},
		{"a jump is held", inOld, reading{at: at(130), phase: NewOnly},
			with(inOld, func(s *Status) {
				s.Confirmed, s.InTouch, s.Held, s.HeldSince, s.Reason = at(130), at(130), NewOnly, at(130), "held"
			})},
		{"a hold goes on, in touch with the flag", held, reading{at: at(125), phase: NewOnly},
			with(held, func(s *Status) { s.Confirmed, s.InTouch = at(125), at(125) })},
		{"a hold that moves to another jump does not begin anew", held, reading{at: at(125), phase: ReadNewWriteBoth},
			with(held, func(s *Status) { s.Confirmed, s.InTouch, s.Held = at(125), at(125), ReadNewWriteBoth })},
		{"a hold ends with the phase in force", held, reading{at: at(125), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed, s.InTouch = at(125), at(125) })},
		{"a hold ends with a neighbour", held, reading{at: at(125), phase: ReadOldWriteBoth}, in(ReadOldWriteBoth, 125)},
		{"a hold of 30 s refuses writes", held, reading{at: at(130), phase: NewOnly},
			with(held, func(s *Status) { s.Confirmed, s.InTouch, s.WritesRefused = at(130), at(130), true })},
		{"a jump is followed after a cut", inOld, reading{at: at(131), phase: NewOnly}, in(NewOnly, 131)},
		{"a held jump is not followed after a cut", held, reading{at: at(500), phase: NewOnly},
			with(held, func(s *Status) { s.Confirmed, s.InTouch, s.WritesRefused = at(500), at(500), true })},
		{"another jump is followed after a cut", held, reading{at: at(500), phase: ReadNewWriteBoth}, in(ReadNewWriteBoth, 500)},
		{"a lost connection keeps the phase, and is no touch", inOld, reading{at: at(110), fault: broken},
			with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken.err, at(110), "broken" })},
		{"a flag without a phase keeps the phase, and is a touch", inOld, reading{at: at(110), fault: off},
			with(inOld, func(s *Status) {
				s.InTouch, s.Err, s.ErrSince, s.Reason = at(110), off.err, at(110), "the flag is disabled"
			})},
		{"a jump after the flag had no phase for long is held", with(inOld, func(s *Status) { s.InTouch, s.Err, s.ErrSince = at(500), off.err, at(110) }), reading{at: at(510), phase: NewOnly},
			with(inOld, func(s *Status) {
				s.Confirmed, s.InTouch, s.Held, s.HeldSince, s.Reason = at(510), at(510), NewOnly, at(510), "held"
			})},
		{"a jump after a cut is followed, though the flag had no phase at first", with(inOld, func(s *Status) { s.InTouch, s.cut = at(500), true }), reading{at: at(510), phase: NewOnly}, in(NewOnly, 510)},
		{"a cut is remembered", inOld, reading{at: at(500), fault: off},
			with(inOld, func(s *Status) {
				s.InTouch, s.Err, s.ErrSince, s.Reason, s.cut = at(500), off.err, at(500), "the flag is disabled", true
			})},
		{"a flag without a phase in a provider in doubt is no touch", inOld, reading{at: at(110), fault: off, doubt: errOld},
			with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = off.err, at(110), "the flag is disabled" })},
		{"a second failure keeps since when", with(inOld, func(s *Status) { s.Err, s.ErrSince = broken.err, at(110) }), reading{at: at(120), fault: again},
			with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = again.err, at(110), "broken again" })},
		{"a failure keeps a hold", held, reading{at: at(110), fault: broken},
			with(held, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken.err, at(110), "broken" })},
		{"a success ends a failure", with(inOld, func(s *Status) { s.Err, s.ErrSince, s.Reason = broken.err, at(110), "broken" }), reading{at: at(120), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed, s.InTouch = at(120), at(120) })},
		{"an evaluation that ends ends that it hangs", with(inOld, func(s *Status) { *s = s.overdue(at(105), at(111)) }), reading{at: at(120), phase: OldOnly},
			with(inOld, func(s *Status) { s.Confirmed, s.InTouch = at(120), at(120) })},
		{"a doubtful value is no confirmation", inOld, reading{at: at(110), phase: OldOnly, doubt: errOld},
			with(inOld, func(s *Status) { s.Reason, s.doubt = "flags may be old", "flags may be old" })},
		{"a doubtful neighbour is news", inOld, reading{at: at(110), phase: ReadOldWriteBoth, doubt: errOld},
			with(in(ReadOldWriteBoth, 110), func(s *Status) {
				s.Confirmed, s.InTouch, s.Reason, s.doubt = at(100), at(100), "flags may be old", "flags may be old"
			})},
		{"a doubtful first value is accepted", Status{}, reading{at: at(1), phase: NewOnly, doubt: errOld},
			Status{Phase: NewOnly, Since: at(1), Reason: "flags may be old", doubt: "flags may be old", cut: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.want.Evaluations = 1
			got := tc.before.next(tc.read, &Options{StaleAfter: 30 * time.Second})
			if tc.want.Reason == "held" {
				tc.want.Reason = "the flag says " + tc.want.Held.String() + ", which jumps over a phase from old-only: held"
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateErrors(), cmp.AllowUnexported(Status{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
