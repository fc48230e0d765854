package boltstore

import (
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// A stored record is one byte of format and flags, the binary version, the binary prev, and then, unless it is a
// tombstone, the value as the view's Encode made it.
const (
	recordFormat  = 0x10
	formatMask    = 0xf0
	flagIntent    = 0x01
	flagTombstone = 0x02
	knownFlags    = flagIntent | flagTombstone
)

// appendMeta appends all of a record but its value.
func appendMeta(dst []byte, m stores.Meta) []byte {
	head := byte(recordFormat)
	if m.Intent {
		head |= flagIntent
	}
	if m.Deleted {
		head |= flagTombstone
	}
	dst = append(dst, head)
	dst, _ = m.Version.AppendBinary(dst)
	dst, _ = m.Prev.AppendBinary(dst)
	return dst
}

// cutMeta splits a stored record into metadata and value. It accepts exactly what appendMeta makes.
func cutMeta(b []byte) (m stores.Meta, value []byte, err error) {
	if len(b) == 0 {
		return stores.Meta{}, nil, errors.New("the record is empty")
	}
	if b[0]&formatMask != recordFormat || b[0]&^(formatMask|knownFlags) != 0 {
		return stores.Meta{}, nil, fmt.Errorf("the record begins with 0x%02x, which is no format of this version", b[0])
	}
	m.Intent, m.Deleted = b[0]&flagIntent != 0, b[0]&flagTombstone != 0
	if m.Version, value, err = stores.CutVersion(b[1:]); err == nil {
		m.Prev, value, err = stores.CutVersion(value)
	}
	if err == nil {
		err = checkMeta(m, len(value))
	}
	if err != nil {
		return stores.Meta{}, nil, err
	}
	return m, value, nil
}

// checkMeta finds what no write that was validated can have left behind.
func checkMeta(m stores.Meta, size int) error {
	switch {
	case m.Version.IsUnknown() || m.Version.IsAbsent():
		return fmt.Errorf("the record's version is %v", m.Version)
	case m.Version.IsUnstamped() && (m.Intent || m.Deleted || !m.Prev.IsUnknown()):
		return errors.New("the record is unstamped and yet has other metadata")
	case m.Deleted && size > 0:
		return fmt.Errorf("the record is a tombstone and yet has a value of %d bytes", size)
	}
	return nil
}

// storedMeta is the metadata of what bbolt found under a key; nil is no record.
func storedMeta(b []byte) (stores.Meta, error) {
	if b == nil {
		return stores.Meta{Version: stores.Absent}, nil
	}
	m, _, err := cutMeta(b)
	return m, err
}

// noting is a record with the version of what it replaces as its prev.
func noting(rec, stored []byte) ([]byte, error) {
	was, err := storedMeta(stored)
	if err != nil {
		return nil, stores.Permanent(err)
	}
	m, value, err := cutMeta(rec)
	if err != nil {
		return nil, stores.Permanent(err)
	}
	m.Prev = was.Version
	return append(appendMeta(make([]byte, 0, len(rec)+len(stores.Stamp{})), m), value...), nil
}
