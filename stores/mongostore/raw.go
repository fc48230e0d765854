package mongostore

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// element is a field of a document, its value as BSON.
type element struct {
	name  string
	value bson.RawValue
}

// document appends elements to a BSON document. It starts with openDocument and ends with close.
type document struct {
	b      []byte
	starts []int // where the open documents begin, the innermost last
}

func openDocument(capacity int) *document {
	d := &document{b: make([]byte, 0, capacity)}
	d.start()
	return d
}

func (d *document) start() {
	d.starts = append(d.starts, len(d.b))
	d.b = append(d.b, 0, 0, 0, 0)
}

func (d *document) header(t bson.Type, name string) {
	d.b = append(d.b, byte(t))
	d.b = append(d.b, name...)
	d.b = append(d.b, 0)
}

func (d *document) append(name string, v bson.RawValue) {
	d.header(v.Type, name)
	d.b = append(d.b, v.Value...)
}

func (d *document) appendAll(elements []element) {
	for _, e := range elements {
		d.append(e.name, e.value)
	}
}

func (d *document) bool(name string, v bool) {
	d.header(bson.TypeBoolean, name)
	b := byte(0)
	if v {
		b = 1
	}
	d.b = append(d.b, b)
}

func (d *document) string(name, s string) {
	d.header(bson.TypeString, name)
	d.b = binary.LittleEndian.AppendUint32(d.b, uint32(len(s)+1))
	d.b = append(d.b, s...)
	d.b = append(d.b, 0)
}

func (d *document) binary(name string, data []byte) {
	d.header(bson.TypeBinary, name)
	d.b = binary.LittleEndian.AppendUint32(d.b, uint32(len(data)))
	d.b = append(d.b, bson.TypeBinaryGeneric)
	d.b = append(d.b, data...)
}

// open begins a document within this one, which ends at the next end.
func (d *document) open(name string) {
	d.header(bson.TypeEmbeddedDocument, name)
	d.start()
}

func (d *document) end() {
	at := d.starts[len(d.starts)-1]
	d.starts = d.starts[:len(d.starts)-1]
	d.b = append(d.b, 0)
	binary.LittleEndian.PutUint32(d.b[at:], uint32(len(d.b)-at))
}

// close ends the document; it is not used afterwards.
func (d *document) close() bson.Raw {
	d.end()
	return d.b
}

func int64Value(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

// walk calls visit for each top-level element of a document until it returns an error. Names and values alias the document.
func walk(doc bson.Raw, visit func(name []byte, v bson.RawValue) error) error {
	length, rest, ok := bsoncore.ReadLength(doc)
	if !ok || int(length) != len(doc) || length < 5 || doc[length-1] != 0 {
		return errors.New("damaged BSON: the length is wrong")
	}
	for rest = rest[:len(rest)-1]; len(rest) > 0; {
		var e bsoncore.Element
		if e, rest, ok = bsoncore.ReadElement(rest); !ok {
			return errors.New("damaged BSON: an element is cut short")
		}
		v, err := e.ValueErr()
		if err != nil {
			return fmt.Errorf("damaged BSON: %w", err)
		}
		if err := visit(e.KeyBytes(), bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}); err != nil {
			return err
		}
	}
	return nil
}
