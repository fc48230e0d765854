package interleave

import "github.com/dualwrite/dualwrite/stores"

// Start is what both places hold when a scenario begins.
type Start struct {
	Name string
	// Old and New are the records; nil where there is none.
	Old, New *Stored
	// Value is what a reader may take for the state, "" if there is nothing.
	Value string
	// Pending is the content of a write whose owner is gone and whose outcome nobody knows; "" if there is none.
	Pending string
	// Deletes: the pending write is a delete.
	Deletes bool
	// Foreign: new holds what no instance in this window has written. The places are made equal by the next write.
	Foreign bool
}

// Stored is a record in one place. Versions are numbers: 0 is unstamped, others are stamps in their order.
type Stored struct {
	Version int
	Prev    int // noPrev, absent or a version
	Value   string
	Intent  bool
	Deleted bool
}

const (
	noPrev   = -1
	onAbsent = -2
)

// The start states, by name. Contents: s is the state before, m what a mirror missed, i an intent that was left behind,
// n what new alone has.
var (
	stampedS  = &Stored{Version: 1, Prev: noPrev, Value: "s"}
	unstamped = &Stored{Version: 0, Prev: noPrev, Value: "s"}
	gone      = &Stored{Version: 1, Prev: noPrev, Deleted: true}
)

// startsOld are left behind by old-only and read-old/write-both.
var startsOld = []Start{
	{Name: "absent"},
	{Name: "unstamped old", Old: unstamped, Value: "s"},
	{Name: "stamped old", Old: stampedS, Value: "s"},
	{Name: "stamped both", Old: stampedS, New: stampedS, Value: "s"},
	{Name: "tombstone old", Old: gone},
	{Name: "tombstone both", Old: gone, New: gone},
	{Name: "delete missed", Old: &Stored{Version: 2, Prev: noPrev, Deleted: true}, New: stampedS},
	{Name: "update missed", Old: &Stored{Version: 2, Prev: 1, Value: "s+m"}, New: stampedS, Value: "s+m"},
	{Name: "put missed", Old: &Stored{Version: 2, Prev: noPrev, Value: "m"}, New: stampedS, Value: "m"},
}

// startsCopied are only there after a copy.
var startsCopied = []Start{
	{Name: "unstamped both", Old: unstamped, New: unstamped, Value: "s"},
	{Name: "unstamped new", Old: &Stored{Version: 1, Prev: 0, Value: "s+m"}, New: unstamped, Value: "s+m"},
}

// startsIntent are left behind by read-new/write-both beside itself or read-old/write-both.
var startsIntent = []Start{
	{Name: "intent", Old: &Stored{Version: 2, Prev: 1, Value: "i", Intent: true}, New: stampedS, Value: "s", Pending: "i"},
	{Name: "intent on absent", Old: &Stored{Version: 1, Prev: onAbsent, Value: "i", Intent: true}, Pending: "i"},
	{Name: "intent on unstamped", Old: &Stored{Version: 1, Prev: 0, Value: "i", Intent: true}, New: unstamped, Value: "s", Pending: "i"},
	{Name: "intent to delete", Old: &Stored{Version: 2, Prev: 1, Deleted: true, Intent: true}, New: stampedS, Value: "s", Pending: "-", Deletes: true},
	{Name: "intent on tombstone", Old: &Stored{Version: 2, Prev: 1, Value: "i", Intent: true}, New: gone, Pending: "i"},
	{
		Name: "intent done", Value: "i",
		Old: &Stored{Version: 2, Prev: 1, Value: "i", Intent: true}, New: &Stored{Version: 2, Prev: 1, Value: "i"},
	},
}

// startsOverIntent need read-old/write-both after an intent.
var startsOverIntent = []Start{
	{Name: "update over intent missed", Old: &Stored{Version: 3, Prev: 2, Value: "i+m"}, New: stampedS, Value: "i+m"},
	{Name: "put over intent missed", Old: &Stored{Version: 3, Prev: noPrev, Value: "m"}, New: stampedS, Value: "m"},
}

// startsNew need new-only in the window.
var startsNew = []Start{
	{
		Name: "intent dead", Value: "n",
		Old: &Stored{Version: 3, Prev: 1, Value: "i", Intent: true}, New: &Stored{Version: 2, Prev: 1, Value: "n"},
	},
	{
		Name: "intent dead, put", Value: "n",
		Old: &Stored{Version: 3, Prev: 1, Value: "i", Intent: true}, New: &Stored{Version: 2, Prev: noPrev, Value: "n"},
	},
	{
		Name: "intent overtaken", Value: "n",
		Old: &Stored{Version: 2, Prev: 1, Value: "i", Intent: true}, New: &Stored{Version: 3, Prev: noPrev, Value: "n"},
	},
	{
		Name: "intent done and built upon", Value: "i+n",
		Old: &Stored{Version: 2, Prev: 1, Value: "i", Intent: true}, New: &Stored{Version: 3, Prev: 2, Value: "i+n"},
	},
	{Name: "new ahead", Old: stampedS, New: &Stored{Version: 2, Prev: 1, Value: "s+n"}, Value: "s+n"},
	{Name: "new ahead of unstamped", Old: unstamped, New: &Stored{Version: 1, Prev: 0, Value: "s+n"}, Value: "s+n"},
	{Name: "created on new", New: &Stored{Version: 1, Prev: onAbsent, Value: "n"}, Value: "n"},
	{Name: "deleted on new", Old: stampedS, New: &Stored{Version: 2, Prev: noPrev, Deleted: true}},
}

// startForeign is for the write that new refuses because it holds a greater stamp than old has ever seen.
var startForeign = Start{
	Name: "foreign on new", Old: stampedS, New: &Stored{Version: 2, Prev: noPrev, Value: "n"}, Value: "s", Foreign: true,
}

// startsWiped are for new having lost what the intent on old is based on.
var startsWiped = []Start{
	{Name: "new wiped", Old: &Stored{Version: 3, Prev: 2, Value: "i", Intent: true}, Value: "s", Pending: "i"},
	{Name: "new restored", Old: &Stored{Version: 3, Prev: 2, Value: "i", Intent: true}, New: stampedS, Value: "s", Pending: "i"},
}

// initial is the start state as the judges see it.
type initial struct {
	state   state
	version stores.Version
	held    [2]record
}

// versions are the stamps that the numbers of a start state stand for.
type versions []stores.Version

func newVersions(clock *stores.Clock) (versions, error) {
	vs := versions{stores.Unstamped}
	for range 3 {
		v, err := clock.Next(vs[len(vs)-1])
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, nil
}

func (vs versions) record(s *Stored) record {
	rec := record{Value: s.Value}
	rec.Version, rec.Intent, rec.Deleted = vs[s.Version], s.Intent, s.Deleted
	switch s.Prev {
	case noPrev:
	case onAbsent:
		rec.Prev = stores.Absent
	default:
		rec.Prev = vs[s.Prev]
	}
	return rec
}

// seen is the version that a reader may have been answered before the scenario began.
func (vs versions) seen(s *Start) stores.Version {
	for _, rec := range []*Stored{s.New, s.Old} {
		if rec != nil && !rec.Deleted && rec.Value == s.Value {
			return vs[rec.Version]
		}
	}
	for _, rec := range []*Stored{s.New, s.Old} {
		if rec != nil {
			return vs[rec.Version]
		}
	}
	return vs[3] // of a record that is not there any more
}
