package copier

import (
	"errors"
	"fmt"
)

// ErrRejected is what the error Is when a pass gave up because more records were refused for good, or did not decode, than
// got through (PassOptions.MaxRejected): the table, its schema, the mapping or the permissions are wrong, not the
// records. The error wraps one of the causes. Resuming tries them again.
var ErrRejected = errors.New("copier: most records are refused, or do not decode")

// refusals tells records that are refused from a cause that refuses everything. As long as more of them were refused than
// got through, it is not known which of both it is: they are held back then, and are pending for a checkpoint.
type refusals struct {
	passed, refused int64 // in this call
	held            []Finding
}

// sift counts a batch. It returns the findings that may go out, and what is held back now; the caller takes that over.
func (r *refusals) sift(d *delta, bound int) (out, held []Finding) {
	held = r.held[:len(r.held):len(r.held)]
	for _, f := range d.findings {
		switch {
		case f.refusal():
			r.refused++
			held = append(held, f)
		default:
			if !f.Repaired { // those are in the counts
				r.passed++
			}
			out = append(out, f)
		}
	}
	c := &d.counts
	r.passed += c.Applied + c.AlreadyThere + c.Same + c.Repaired + c.Purged + c.Plain + c.LiveAgain
	if bound < 0 || !r.suspicious() {
		return append(out, held...), nil
	}
	return out, held
}

func (r *refusals) suspicious() bool { return r.refused > r.passed }

// refusal reports whether the finding may be one of a cause that refuses everything. A foreign key is not: it belongs to
// somebody else.
func (f *Finding) refusal() bool {
	bad := undecodable(f.Err)
	return f.Kind == KindRejected || f.Kind == KindUndecodable && (bad == nil || !bad.Foreign)
}

// giveUp ends the pass if a cause refuses everything. What it has refused is told and stays pending.
func (s *state) giveUp() error {
	r := &s.refusals
	if s.o.MaxRejected < 0 || !r.suspicious() || r.refused < int64(s.o.MaxRejected) {
		return nil
	}
	held := r.held
	s.mu.Lock()
	for _, f := range held {
		s.pending[string(f.Key)] = struct{}{}
	}
	s.failed = append(s.failed, held...)
	r.held = nil
	s.mu.Unlock()
	if err := s.tell(held); err != nil || len(held) == 0 {
		return err
	}
	f := held[len(held)-1]
	cause := f.Err
	f.Err = nil
	return fmt.Errorf("%w: %d of %d so far; mend the cause, which is not of single records, and run it again (MaxRejected bounds this); the last was %v: %w",
		ErrRejected, r.refused, r.refused+r.passed, f, cause)
}

// release lets go of what was held back to the end: it was single records.
func (s *state) release() error {
	s.taking.Lock()
	defer s.taking.Unlock()
	held := s.refusals.held
	if err := s.tell(held); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(held)
	s.refusals.held = nil
	return nil
}
