package dualwrite

import "github.com/dualwrite/dualwrite/flags"

// side is one of the two places.
type side uint8

const (
	oldSide side = iota
	newSide
)

// route is what one phase does. This table is all there is to know about phases; everything else follows from it.
type route struct {
	// decides is the place whose condition decides about a write, and that a read asks.
	decides side
	// mirror: when old has accepted, the record is put to new, which may fail without harm.
	mirror bool
	// intent: before new decides, the record is put to old as an intent; afterwards new has to have it too.
	intent bool
	// strict: new alone is not enough for a read; old is asked as well, and what it is ahead by is brought over.
	strict bool
}

var routes = [...]route{
	flags.OldOnly:          {decides: oldSide},
	flags.ReadOldWriteBoth: {decides: oldSide, mirror: true},
	flags.ReadNewWriteBoth: {decides: newSide, intent: true, strict: true},
	flags.NewOnly:          {decides: newSide},
}
