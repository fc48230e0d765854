package mongostore

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// The fields of the metadata's sub-document, in this order. It is short, as each record has one.
const (
	stampField   = "s" // the stamp, 16 bytes; all of one length, so that BSON compares them as stamps compare
	prevField    = "p" // the stamp that was replaced, or one of the two words below; nothing if it is unknown
	intentField  = "i" // true for an intent, else not there
	deletedField = "d" // true for a tombstone, else not there

	prevAbsent    = "absent"
	prevUnstamped = "unstamped"
)

// appendMeta appends the metadata of a stamped record as a sub-document.
func appendMeta(d *document, name string, m stores.Meta) {
	d.open(name)
	stamp, _ := m.Version.Stamp()
	d.binary(stampField, stamp[:])
	switch prev, stamped := m.Prev.Stamp(); {
	case stamped:
		d.binary(prevField, prev[:])
	case m.Prev.IsAbsent():
		d.string(prevField, prevAbsent)
	case m.Prev.IsUnstamped():
		d.string(prevField, prevUnstamped)
	}
	if m.Intent {
		d.bool(intentField, true)
	}
	if m.Deleted {
		d.bool(deletedField, true)
	}
	d.end()
}

// parseMeta reads the metadata's sub-document. What it does not know it refuses: to guess would be to overwrite.
func parseMeta(v bson.RawValue) (stores.Meta, error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return stores.Meta{}, fmt.Errorf("metadata is a %v, not a document", v.Type)
	}
	var m stores.Meta
	err := walk(doc, func(name []byte, v bson.RawValue) (err error) {
		switch string(name) {
		case stampField:
			m.Version, err = stampOf(v)
		case prevField:
			m.Prev, err = prevOf(v)
		case intentField:
			m.Intent, ok = v.BooleanOK()
		case deletedField:
			m.Deleted, ok = v.BooleanOK()
		default:
			ok = false
		}
		if !ok && err == nil {
			err = errors.New("not understood")
		}
		if err != nil {
			return fmt.Errorf("metadata field %q: %w", name, err)
		}
		return nil
	})
	if err == nil && m.Version.IsUnknown() {
		err = errors.New("metadata without a stamp")
	}
	return m, err
}

func stampOf(v bson.RawValue) (stores.Version, error) {
	subtype, b, ok := v.BinaryOK()
	if !ok || subtype != bson.TypeBinaryGeneric || len(b) != len(stores.Stamp{}) || stores.Stamp(b).IsZero() {
		return stores.Unknown, errors.New("not a stamp of 16 bytes")
	}
	return stores.Stamp(b).Version(), nil
}

func prevOf(v bson.RawValue) (stores.Version, error) {
	if s, ok := v.StringValueOK(); ok {
		switch s {
		case prevAbsent:
			return stores.Absent, nil
		case prevUnstamped:
			return stores.Unstamped, nil
		}
	}
	return stampOf(v)
}

// stampValue is a stamp as conditions compare it.
func stampValue(v stores.Version) bson.Binary {
	stamp, _ := v.Stamp()
	return bson.Binary{Subtype: bson.TypeBinaryGeneric, Data: stamp[:]}
}
