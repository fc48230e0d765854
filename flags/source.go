package flags

import (
	"context"
	"errors"
)

// ErrPhaseUnknown: no phase is known that this operation may be carried out in. The operation had no effect.
var ErrPhaseUnknown = errors.New("phase unknown")

// Source says which phase an operation is carried out in. It is asked twice at the start of every operation: it answers
// from memory, without blocking, and is safe for concurrent use. The error Is [ErrPhaseUnknown], and says why.
//
// Sources in different instances may answer differently for a while, as long as the answers are adjacent phases.
//
// One source serves any number of repositories: those whose records belong together then flip together, and the flag is
// evaluated once for all.
type Source interface {
	Phase(ctx context.Context) (Phase, error)
}

// WriteGate is what a [Source] may implement to refuse writes while reads go on. It is asked at the start of every write,
// under the same conditions as Phase; nil lets the write pass. The error Is [ErrPhaseUnknown], or has an identity of the
// source's own; the write had no effect then. A Source that does not implement it refuses nothing.
//
// A Source that wraps another one passes this on.
type WriteGate interface {
	WritesRefused() error
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
