// Package dualwrite moves a live service from one store to another, one flag flip at a time.
//
// A [Repository] stands where the service's own repository stood. It holds two stores, the old place and the new one,
// and asks a flag for each operation which of four phases the operation belongs to:
//
//	old-only               reads and writes go to old
//	read-old/write-both    old decides, new is a mirror
//	read-new/write-both    new decides, old is kept in step for the way back
//	new-only               reads and writes go to new
//
// Instances of a service see a flip at different moments. Any two of them may be in neighbouring phases at any time, and
// still every acknowledged write survives, every operation on a key is linearizable, a deleted record stays deleted and
// the two places end up equal. What makes that hold is the order and the conditions of the writes; the protocol is in
// DESIGN.md beside the source, and the phases in one table in route.go.
//
// # What an error means
//
// Errors are told apart with errors.Is; each is wrapped once in a *[Error] that names operation, place and key.
// [ErrIndeterminate] is the one that needs thought: the write may have been applied, or may be later. Every other error
// of a write says that it certainly had no effect, except [ErrMirrorMissed], which only exists on request and says that
// it certainly was committed. That includes errors of a store, a codec or a caller's function that have none of the
// identities of this package.
//
// # What the flag alone can not do
//
// The repository holds whatever phase its source gives it. That no two instances are more than one phase apart, and that
// the next phase is entered only when a copy was verified, is up to whoever flips the flag: see package flags.
package dualwrite
