package copier

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// ErrNotMirrored is what the error Is when a pass gave up because nearly nothing of what the services wrote to old since
// it began has reached new: they do not mirror yet, as the flag is still at old-only, or their mirrors fail. Nothing is
// lost; run it again when they mirror.
var ErrNotMirrored = errors.New("copier: what the services write does not reach new")

const (
	// mirrorTime is how long a mirror may take before it counts as missing.
	mirrorTime = time.Second
	// enoughAlone is how many writes that are in old alone are needed before anything is said, and fewMirrored how many
	// times as many as mirrored ones. A service that misses some mirrors is far from that.
	enoughAlone, fewMirrored = 50, 10
)

// mirrors watches whether the services beside the pass mirror what they write. It counts only what was written in this
// call, and begins anew when a store fails, as mirrors fail then too. It is safe for concurrent use.
type mirrors struct {
	mu              sync.Mutex
	since           time.Time
	alone, mirrored int
}

// begin forgets what was seen.
func (m *mirrors) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since, m.alone, m.mirrored = time.Now(), 0, 0
}

// saw notes a record of old, and whether new has it too. It reports whether a service has written it since the watch began,
// and new should have it by now and does not.
func (m *mirrors) saw(v stores.Version, inNew bool) (alone bool) {
	s, ok := v.Stamp()
	if !ok {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch at := s.Time(); {
	case !at.After(m.since):
	case inNew:
		m.mirrored++
	case time.Since(at) > mirrorTime:
		m.alone++
		return true
	}
	return false
}

// check is the error that ends a pass beside services that do not mirror.
func (m *mirrors) check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alone < enoughAlone || m.alone < fewMirrored*m.mirrored {
		return nil
	}
	return fmt.Errorf("%w: it has %d of %d records that were written since %s; is the flag still at old-only, or do mirrors fail (the Status of the repositories says so; a Rate takes load off)? "+
		"See that all instances write both, and run it again", ErrNotMirrored, m.mirrored, m.mirrored+m.alone, m.since.Format(time.RFC3339))
}
