package flagtest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/flags"
)

// Source is a [flags.Source] that answers what the test says. It is safe for concurrent use; answering does not
// allocate.
type Source struct {
	read, write atomic.Pointer[answer]
}

type answer struct {
	phase flags.Phase
	err   error
}

var _ flags.Source = (*Source)(nil)

// NewSource returns a Source that is in phase p for reads and writes.
func NewSource(p flags.Phase) *Source {
	s := new(Source)
	s.Set(p)
	return s
}

// Set puts the accesses named, or both when none is, into phase p. What is no phase is answered with
// [flags.ErrPhaseUnknown].
func (s *Source) Set(p flags.Phase, access ...flags.Access) {
	if !p.Valid() {
		s.Fail(nil, access...)
		return
	}
	s.store(&answer{phase: p}, access)
}

// Fail makes the accesses named, or both when none is, fail with an error that Is [flags.ErrPhaseUnknown] and err, until
// the next Set.
func (s *Source) Fail(err error, access ...flags.Access) {
	switch {
	case err == nil:
		err = flags.ErrPhaseUnknown
	case !errors.Is(err, flags.ErrPhaseUnknown):
		err = fmt.Errorf("%w: %w", flags.ErrPhaseUnknown, err)
	}
	s.store(&answer{err: err}, access)
}

func (s *Source) store(a *answer, access []flags.Access) {
	if len(access) == 0 {
		access = []flags.Access{flags.Read, flags.Write}
	}
	for _, to := range access {
		s.slot(to).Store(a)
	}
}

func (s *Source) slot(a flags.Access) *atomic.Pointer[answer] {
	if a == flags.Read {
		return &s.read
	}
	return &s.write
}

// Phase implements [flags.Source].
func (s *Source) Phase(_ context.Context, a flags.Access) (flags.Phase, error) {
	now := s.slot(a).Load()
	if now == nil { // the zero Source
		return 0, flags.ErrPhaseUnknown
	}
	return now.phase, now.err
}
