package flags

import (
	"context"
	"errors"
)

// ErrPhaseUnknown: no phase is known that this operation may be carried out in. The operation had no effect.
var ErrPhaseUnknown = errors.New("phase unknown")

// Source says which phase an operation is carried out in. It is asked once at the start of every operation: it answers
// from memory, without blocking, and is safe for concurrent use. The error Is [ErrPhaseUnknown], and says why.
//
// Sources in different instances may answer differently for a while, as long as the answers are adjacent phases.
type Source interface {
	Phase(ctx context.Context) (Phase, error)
}

// Static is a Source that never changes. An invalid Static answers ErrPhaseUnknown.
type Static Phase

// Phase returns the phase.
func (s Static) Phase(context.Context) (Phase, error) {
	if !Phase(s).Valid() {
		return 0, ErrPhaseUnknown
	}
	return Phase(s), nil
}
