package interleave

import (
	"cmp"
	"fmt"
	"strings"
)

// Violation is a schedule that went wrong.
type Violation struct {
	Scenario string
	Schedule []string
	Err      error
	Trace    string
	// Shortest: within the limits, nothing goes wrong with fewer faults; with as many, nothing with fewer preemptions;
	// with as many of both, nothing in fewer steps. Otherwise the search for it was cut off, and this is the best it found.
	Shortest bool

	faults, preemptions int
}

// Error tells the schedule and how to see it again.
func (v *Violation) Error() string {
	shortest := "the shortest schedule"
	if !v.Shortest {
		shortest = "the shortest schedule found"
	}
	return fmt.Sprintf("%v\n\n%s\n%s: faults %d, preemptions %d, steps %d\n%s\n\nreplay: go test ./internal/interleave -run TestReplay -replay '%s'",
		v.Err, v.Scenario, shortest, v.faults, v.preemptions, len(v.Schedule), v.Trace, v.Scenario+" @ "+strings.Join(v.Schedule, " "))
}

// shorter tells which of two is easier to read; anything is easier than nothing.
func (v *Violation) shorter(w *Violation) bool {
	return w == nil || cmp.Or(
		cmp.Compare(v.faults, w.faults), cmp.Compare(v.preemptions, w.preemptions), cmp.Compare(len(v.Schedule), len(w.Schedule)),
	) < 0
}

// shortestWithin bounds the schedules that are run for the shortest violation, so that a huge scenario comes to an end.
const shortestWithin = 100_000

// shortening looks for the shortest violation of a scenario in which there is one.
type shortening struct {
	scenario *Scenario
	limits   Limits
	best     *Violation
	left     int // schedules that may still be run
}

// shorten sets Shortest if it gets to the end within so many schedules.
//
// Each search is complete within its bounds, so what it does not find is not there. Searches with few preemptions come
// first as they are the small ones. The last is for the fewest steps. It too follows each state once only; that it loses
// no shorter way to one, steps are a part of its states.
func (s *shortening) shorten(within int) error {
	s.left = within
	most := s.limits.Preemptions
	for f := 0; f < s.best.faults; f++ { // which ends at the fewest, as best changes
		if err := s.search(f, most, false); err != nil || s.left <= 0 {
			return err
		}
	}
	for p := 0; p < s.best.preemptions; p++ {
		if err := s.search(s.best.faults, p, false); err != nil || s.left <= 0 {
			return err
		}
	}
	err := s.search(s.best.faults, s.best.preemptions, true)
	s.best.Shortest = err == nil && s.left > 0
	return err
}

// search explores within these bounds, up to the first violation or thoroughly, up to the end.
func (s *shortening) search(faults, preemptions int, thorough bool) error {
	l := s.limits
	l.Faults, l.Preemptions, l.Schedules, l.Random, l.exact = faults, preemptions, s.left, 0, thorough
	e := newExplorer(s.scenario, l)
	e.thorough = thorough
	err := e.all()
	if e.report.Violation != nil && e.report.Violation.shorter(s.best) {
		s.best = e.report.Violation
	}
	s.left -= e.report.Schedules
	return err
}
