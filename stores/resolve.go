package stores

// Resolution is what has to be done about a record of which the old place may hold a newer version than the new one.
type Resolution uint8

// The resolutions, from [Resolve].
const (
	// InStep: old is not ahead; what new holds is the answer.
	InStep Resolution = iota
	// CopyOver: old's record is final and newer. Put it to new, IfOlder(old.Version).
	CopyOver
	// Complete: old's record is an intent that can still commit. Put it to new, IfStamp(old.Prev), for its owner.
	Complete
	// Dead: old's record is an intent that can never commit, as new has moved past what it was based on. New's record is
	// the answer, and a later intent may replace it: IfAtMost(…, old.Version).
	Dead
	// Lost: old's record is an intent based on a version that new does not have any more. New has lost data (restored,
	// expired, wiped) and nobody can tell whether the intent was committed: report it, write nothing.
	Lost
)

// Resolve decides about one key from what old holds and what new holds. It is sound only if new was read after the read
// of old had been answered. Copied, mirrored and resolved records keep version, prev and tombstone and lose the intent.
func Resolve(old, new Meta) Resolution {
	switch {
	case !old.Version.Newer(new.Version):
		return InStep
	case !old.Intent:
		return CopyOver
	case new.Version.Same(old.Prev):
		return Complete
	case new.Version.Newer(old.Prev):
		return Dead
	default:
		return Lost
	}
}

// String names the resolution.
func (r Resolution) String() string {
	switch r {
	case InStep:
		return "in step"
	case CopyOver:
		return "copy over"
	case Complete:
		return "complete"
	case Dead:
		return "dead"
	case Lost:
		return "lost"
	default:
		return "invalid"
	}
}

// Final returns the record as it is written to a place that is not the intent's: the flag stays behind.
func (r Record[V]) Final() Record[V] {
	r.Intent = false
	return r
}
