package interleave

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// digest is equal for what is equal, and for nothing else that will ever be seen.
type digest [sha256.Size]byte

// remember adds an answer to what the actor has been told, when that was, and to what the judges ask about it.
func (a *actor) remember(ch choice, after uint64, ans answer) {
	b := a.run.buffer[:0]
	b = append(b, a.seen[:]...)
	b = append(b, byte(ch.call.place), byte(ch.late), byte(ch.fault), byte(a.run.ticks))
	b = binary.BigEndian.AppendUint64(b, after)
	b = ans.append(b)
	a.seen, a.run.buffer = sha256.Sum256(b), b
}

// append appends the answer in a form that is equal for equal answers.
func (a answer) append(b []byte) []byte {
	var refused *stores.ConditionError
	var pair *stores.PairError
	switch {
	case errors.As(a.err, &pair):
		return answer{err: pair.Second}.append(answer{err: pair.First}.append(append(b, 'p')))
	case errors.As(a.err, &refused):
		return appendRecord(append(b, 'r'), record{Meta: refused.Stored})
	case a.err != nil:
		return append(append(b, 'f'), a.err.Error()...)
	default:
		return appendRecord(b, a.rec)
	}
}

// appendRecord appends all that a record is.
func appendRecord(b []byte, r record) []byte {
	b, _ = r.Version.AppendBinary(b) // which never fails
	b, _ = r.Prev.AppendBinary(b)
	b = appendBools(b, r.Intent, r.Deleted)
	return append(append(b, r.Value...), 0)
}

// append appends what an operation that has ended answered, and when it began: all that the judges can ask about it.
func (o *op) append(b []byte) []byte {
	b = append(b, o.out.class...)
	b = append(append(b, 0), o.out.value...)
	b, _ = o.out.version.AppendBinary(append(b, 0))
	b, _ = o.want.AppendBinary(b)
	if o.out.err != nil {
		b = append(b, o.out.err.Error()...)
	}
	b = binary.BigEndian.AppendUint64(append(b, 0), o.after)
	return appendBools(b, o.first != 0)
}

// store adds a record that a place has taken to the digest of all of them, in whatever order.
func (r *run) store(rec record) {
	r.buffer = appendRecord(r.buffer[:0], rec)
	for i, b := range sha256.Sum256(r.buffer) {
		r.stored[i] ^= b
	}
}

// appendWrite appends all that a write is; nothing if it is nil.
func appendWrite(b []byte, w *write) []byte {
	if w == nil {
		return b
	}
	b = appendBools(append(b, byte(w.If.Kind)), w.NotePrev)
	b, _ = w.If.Version.AppendBinary(b)
	b, _ = w.If.OrDead.AppendBinary(b)
	return appendRecord(b, w.Record)
}

func appendBools(b []byte, flags ...bool) []byte {
	for _, f := range flags {
		v := byte(0)
		if f {
			v = 1
		}
		b = append(b, v)
	}
	return b
}

// digest is equal for states from which the same can follow; see the package's doc.
func (r *run) digest(l *Limits) digest {
	b := r.buffer[:0]
	for p := range r.stores {
		b = appendRecord(b, r.held(place(p)))
	}
	for _, a := range r.actors {
		b = appendBools(b, a.crashed, a.cancelled, a.done, a.faulted, a.clean)
		if !a.done {
			b = append(b, a.seen[:]...)
		}
		for _, o := range a.ops {
			b = appendBools(b, o.stored, o.decided)
			if a.done {
				b = o.append(b)
			}
		}
	}
	b = append(b, r.stored[:]...)
	for _, c := range r.late {
		b = append(b, byte(c.from.id), byte(c.place))
		b = appendWrite(b, c.put)
		b = appendWrite(b, c.with)
	}
	b = append(b, byte(r.faults), byte(r.rejected), byte(r.ticks))
	if l.exact {
		b = append(b, byte(r.steps))
	}
	b = appendBools(b, r.ended, r.broken != nil, r.refused, r.mended)
	if l.Preemptions >= 0 && r.last != nil {
		b = append(b, byte(r.last.id), byte(r.preemptions))
	}
	r.buffer = b
	return sha256.Sum256(b)
}
