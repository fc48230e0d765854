package interleave

import (
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/dualwrite"
)

// Judges for what linearizability leaves open.

// alone judges an actor that nobody gets in the way of: once a place has its write it goes on until all places of its
// phase have it, whatever its caller does.
func (r *run) alone() error {
	if len(r.actors) != 1 || r.actors[0].crashed {
		return nil
	}
	a := r.actors[0]
	for _, o := range a.ops {
		switch {
		case o.kind.reads():
		case o.out.class != classOK && o.stored && r.rejected == 0 && !r.refused:
			return fmt.Errorf("%s: a place has it and nobody was in the way, but %w", o.kind, o.out.err)
		case o.out.class == classOK && a.Phase != phaseO && a.Phase != phaseN && r.rejected == 0 && !r.refused:
			if err := r.equal(); err != nil {
				return fmt.Errorf("%s answers that it is done: %w", o.kind, err)
			}
		}
	}
	return nil
}

// untouched judges a scenario in which new has lost data: every operation says so, and nothing was written.
func (r *run) untouched() error {
	for _, a := range r.actors {
		for _, o := range a.ops {
			if !o.kind.helper() && !errors.Is(o.out.err, dualwrite.ErrBlocked) {
				return fmt.Errorf("%s %s answers %v, not that the key is blocked", a.letter(), o.kind, o.out)
			}
		}
	}
	for p, before := range r.initial.held {
		if now := r.held(place(p)); describe(now) != describe(before) {
			return fmt.Errorf("%v has %s instead of %s", place(p), describe(now), describe(before))
		}
	}
	return nil
}
