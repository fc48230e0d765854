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
	now     atomic.Pointer[answer]
	refused atomic.Pointer[error]
}

type answer struct {
	phase flags.Phase
	err   error
}

var (
	_ flags.Source    = (*Source)(nil)
	_ flags.WriteGate = (*Source)(nil)
)

// NewSource returns a Source that is in phase p.
func NewSource(p flags.Phase) *Source {
	s := new(Source)
	s.Set(p)
	return s
}

// Set puts the source into phase p. What is no phase is answered with [flags.ErrPhaseUnknown].
func (s *Source) Set(p flags.Phase) {
	if !p.Valid() {
		s.Fail(nil)
		return
	}
	s.now.Store(&answer{phase: p})
}

// Fail makes the source answer an error that Is [flags.ErrPhaseUnknown] and err, until the next Set.
func (s *Source) Fail(err error) {
	switch {
	case err == nil:
		err = flags.ErrPhaseUnknown
	case !errors.Is(err, flags.ErrPhaseUnknown):
		err = fmt.Errorf("%w: %w", flags.ErrPhaseUnknown, err)
	}
	s.now.Store(&answer{err: err})
}

// RefuseWrites makes writes fail with err as it is, while reads go on; nil ends it. Set and Fail do not change it.
func (s *Source) RefuseWrites(err error) { s.refused.Store(&err) }

// WritesRefused implements [flags.WriteGate].
func (s *Source) WritesRefused() error {
	if refused := s.refused.Load(); refused != nil {
		return *refused
	}
	return nil
}

// Phase implements [flags.Source].
func (s *Source) Phase(context.Context) (flags.Phase, error) {
	now := s.now.Load()
	if now == nil { // the zero Source
		return 0, flags.ErrPhaseUnknown
	}
	return now.phase, now.err
}
