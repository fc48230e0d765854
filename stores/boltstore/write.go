package boltstore

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// add encodes a write into a job. The error Is stores.ErrPermanent; the job is unchanged then.
func (s *Store[K, V]) add(j *job, w *stores.Write[K, V]) error {
	at := len(j.buf)
	buf, keyLen, err := s.appendWrite(j.buf, w)
	if err != nil {
		return err
	}
	// A buffer that grew left the slices of earlier ops where they were, which is all right: nobody changes them.
	j.buf = buf
	j.add(op{kind: opPut, bucket: s.bucket, key: buf[at : at+keyLen], rec: buf[at+keyLen:], cond: w.If, note: w.NotePrev})
	return nil
}

// appendWrite appends the canonical key and the record of a write.
func (s *Store[K, V]) appendWrite(buf []byte, w *stores.Write[K, V]) (_ []byte, keyLen int, err error) {
	if err := w.Validate(); err != nil {
		return buf, 0, err
	}
	at := len(buf)
	out, err := s.appendKey(buf, w.Key)
	if err != nil {
		return buf, 0, err
	}
	keyLen = len(out) - at
	out = appendMeta(out, w.Record.Meta)
	if !w.Record.Deleted {
		// Encode gets only the free end of the buffer: one that does not append, but returns bytes of its own, does no harm.
		value, err := s.codec.encode(out[len(out):], w.Record.Value)
		if err != nil {
			return buf, 0, stores.Permanent(fmt.Errorf("boltstore: encode the value of %s: %w", stores.FormatKey(out[at:at+keyLen]), err))
		}
		out = append(out, value...)
	}
	if err := checkSize(len(out) - at - keyLen); err != nil {
		return buf, 0, err
	}
	return out, keyLen, nil
}

// appendKey appends the canonical form of a key that bbolt can hold.
func (s *Store[K, V]) appendKey(dst []byte, key K) ([]byte, error) {
	out, err := s.keys.Append(dst, key)
	if err != nil {
		return dst, stores.Permanent(err)
	}
	if n := len(out) - len(dst); n < 1 || n > bbolt.MaxKeySize {
		return dst, stores.Permanent(fmt.Errorf("boltstore: a key has 1 to %d bytes in its canonical form, not %d", bbolt.MaxKeySize, n))
	}
	return out, nil
}

func checkSize(record int) error {
	if record > bbolt.MaxValueSize {
		return stores.Permanent(fmt.Errorf("boltstore: the record takes %d bytes, more than the %d that bbolt can hold", record, bbolt.MaxValueSize))
	}
	return nil
}

// Check tells without I/O whether a write could be stored. See stores.Checker.
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	_, _, err := s.appendWrite(nil, &w)
	return err
}

// RoundTrip returns v as it would come back. See stores.RoundTripper. A value that can not be encoded is an error that
// Is stores.ErrPermanent.
func (s *Store[K, V]) RoundTrip(_ K, v V) (V, error) {
	b, err := s.codec.encode(nil, v)
	if err != nil {
		return v, stores.Permanent(fmt.Errorf("boltstore: encode: %w", err))
	}
	return s.codec.decode(bytes.Clone(b)) // an Encode that returns v itself, and a Decode that keeps b, share nothing so
}
