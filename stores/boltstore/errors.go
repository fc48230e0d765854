package boltstore

import (
	"errors"
	"io/fs"
	"syscall"
)

// What Open and later writes answer beside the errors of package stores. The message says what to do.
var (
	// ErrLocked: the file stayed open elsewhere for all of [Options.LockTimeout].
	ErrLocked = errors.New("the file is open in another process, or a second time in this one; " +
		"a bolt file belongs to one process: stop the other one, or run this work inside it")
	// ErrForeign: the file was not made by this package, or not all of it is there. It was left as it is.
	ErrForeign = errors.New("not a file of this store, it was left untouched: name another path, " +
		"or restore the file from a complete copy")
	// ErrNewer: the file was made by a later version of this package. It was left as it is.
	ErrNewer = errors.New("the file has a newer format, it was left untouched: update this program")
	// ErrDamaged: an earlier commit failed in a way after which no later write could be relied on. The write that gets
	// this error had no effect; it Is stores.ErrTransient too, as it may succeed once the file was closed and opened.
	ErrDamaged = errors.New("an earlier commit failed, so nothing more is written: close the file and open it again")
)

// harmless tells whether a failed commit leaves the file fit for the next one: a page could not be written for want of
// room, before anything referred to it. After a failed fsync that can not be said, whatever its reason.
func harmless(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write) && write.Op == "write" &&
		(errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT))
}
