package main

import (
	"fmt"
	"sync"

	"github.com/dualwrite/dualwrite/flags"
)

// gates decide which flip may be made. A flag alone can tell each instance what to do, but not whether the others and
// the records are ready for it: whoever flips it has to know. They are safe for concurrent use.
type gates struct {
	mu    sync.Mutex
	phase flags.Phase // the last that was let through
	busy  bool        // instances are still on their way to it
	// copied: since old-only was left, everything was copied, and a verify pass was clean.
	copied bool
	// verified: since read-old/write-both was left, a verify pass was clean.
	verified bool
}

// refuse says why the flip to a phase may not be made now; "" if it may.
func (g *gates) refuse(to flags.Phase) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.busy:
		return fmt.Sprintf("instances are still on their way to %v", g.phase)
	case !to.Adjacent(g.phase):
		return fmt.Sprintf("it jumps over a phase, from %v to %v", g.phase, to)
	case g.phase == flags.ReadOldWriteBoth && to == flags.ReadNewWriteBoth && !g.copied:
		return "the copy is not done and verified yet"
	case g.phase == flags.ReadNewWriteBoth && to == flags.NewOnly && !g.verified:
		return "no verify pass has come out clean since every instance is here"
	case g.phase == flags.NewOnly && to != g.phase:
		return "the old place is not kept up to date any more"
	}
	return ""
}

// leave notes that a flip was let through. What had been found out holds only as long as the phases allow.
func (g *gates) leave(to flags.Phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase, g.busy = to, true
	g.copied = g.copied && to != flags.OldOnly
	g.verified = g.verified && to > flags.ReadOldWriteBoth
}

// arrive notes that every instance is in the phase and operations of the one before have drained.
func (g *gates) arrive() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = false
}

// in tells whether every instance is in the phase.
func (g *gates) in(p flags.Phase) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase == p && !g.busy
}

// pass notes that the work of a phase is done and came out clean.
func (g *gates) pass(p flags.Phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.copied = g.copied || p == flags.ReadOldWriteBoth
	g.verified = g.verified || p == flags.ReadNewWriteBoth
}

// due tells whether the phase has work that is not done yet.
func (g *gates) due(p flags.Phase) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p == flags.ReadOldWriteBoth && !g.copied || p == flags.ReadNewWriteBoth && !g.verified
}
