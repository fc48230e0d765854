package stores

// Meta is what the SDK keeps beside a value. The zero Meta is not valid for a write; [Record]s that a store returns
// always have a known Version.
type Meta struct {
	// Version is the record's version: a stamp, or Unstamped for a record from before the SDK.
	Version Version
	// Prev is the version that the write was conditioned on in the place that decided it, or that it replaced there, where
	// a blind write could note that. Unknown after another blind write, and for an unstamped record.
	Prev Version
	// Intent marks a record in the old place that is not final until the new place has it too.
	Intent bool
	// Deleted marks a tombstone: a stamped record without a value. Readers see "not found".
	Deleted bool
}

// Shows tells whether the stored metadata proves that a write of version t was applied: the record has t, or was written
// on top of it. A driver that sends a write a second time behind the caller's back is refused by its own first try; this
// is how that refusal is told from a lost race. Only stamps are unique, so for any other t the answer is false.
func (m Meta) Shows(t Version) bool {
	_, stamped := t.Stamp()
	return stamped && (m.Version.Same(t) || m.Prev.Same(t))
}

// Record is a value with its metadata.
type Record[V any] struct {
	Meta
	// Value is the zero V in a tombstone.
	Value V
}

// Live tells whether the record has a value: it is there and is no tombstone.
func (r Record[V]) Live() bool {
	return !r.Deleted && !r.Version.IsUnknown() && !r.Version.IsAbsent()
}

// Entry is a record with its key, as scans yield it.
type Entry[K, V any] struct {
	Key    K
	Record Record[V]
	// Lost are the fields of a live record that do not arrive, or not as they are stored, when it is copied out of the store:
	// in order, each once. What is nested is named by its path, as "address.zip". Only [ScanNoting] fills it in. Entries may
	// share it: nobody may change it.
	Lost []string
}

// OrAbsent turns the two answers of [Store.Get] into one: ErrNotFound becomes a record whose version is [Absent].
// Every other error is passed through.
func OrAbsent[V any](r Record[V], err error) (Record[V], error) {
	if err == nil {
		return r, nil
	}
	if isNotFound(err) {
		return Record[V]{Meta: Meta{Version: Absent}}, nil
	}
	return Record[V]{}, err
}
