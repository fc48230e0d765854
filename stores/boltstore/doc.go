// Package boltstore keeps records in one local file, by way of bbolt. It is the embedded store of the SDK: nothing to
// install, nothing to start, and every write on disk before it is acknowledged.
//
// [Open] opens the file, [View] a store in it. Each view has a bucket of its own, with its own key and value types, and
// two views of one file can commit a write each together.
//
// A file belongs to one process at a time: a second one that opens it waits for [Options.LockTimeout] and then gets
// [ErrLocked]. Service instances over one file are goroutines of one process, and a copier beside a live service runs
// in that process too.
//
// Writes of concurrent callers are combined: whatever is waiting when a commit ends goes into the next one, so that a
// file takes many more writes a second than the disk takes fsyncs. Nothing waits for company. With fsync on, a reader
// may see a write in the moment before its fsync has ended; if the machine (not only the process) stops in that moment
// the write is gone, and it was never acknowledged.
//
// A commit that fails leaves the outcome of its writes unknown. Unless the disk was merely full, the kernel may have
// dropped pages that later commits would build upon, so every later write answers [ErrDamaged] until the file has been
// closed and opened again; reads go on.
package boltstore
