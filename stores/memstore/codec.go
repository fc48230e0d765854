package memstore

import (
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/jsonform"
)

// cell is a value as it is kept: data with a codec, value with Options.Clone. Neither is changed once it is stored, so
// that readers unpack it without the lock.
type cell[V any] struct {
	data  []byte
	value V
}

// codec is how values go in and come out; exactly one of clone and the pair is set.
type codec[V any] struct {
	clone  func(V) V
	encode func(V) ([]byte, error)
	decode func([]byte) (V, error)
}

func newCodec[V any](o *Options[V]) (codec[V], error) {
	switch {
	case o.Clone != nil:
		return codec[V]{clone: o.Clone}, nil
	case o.Encode != nil:
		return codec[V]{encode: o.Encode, decode: o.Decode}, nil
	}
	c, err := jsonform.New[V]()
	if err != nil {
		return codec[V]{}, fmt.Errorf("memstore: %w, or Clone", err)
	}
	return codec[V]{encode: func(v V) ([]byte, error) { return c.Append(nil, v) }, decode: c.Parse}, nil
}

// pack makes what is kept of a record's value: nothing for a tombstone.
func (c *codec[V]) pack(r *stores.Record[V]) (cell[V], error) {
	switch {
	case r.Deleted:
		return cell[V]{}, nil
	case c.clone != nil:
		return cell[V]{value: c.clone(r.Value)}, nil
	}
	data, err := c.encode(r.Value)
	if err != nil {
		return cell[V]{}, stores.Permanent(fmt.Errorf("memstore: encoding a %T: %w", r.Value, err))
	}
	return cell[V]{data: data}, nil
}

// unpack makes a record of what is kept.
func (c *codec[V]) unpack(m stores.Meta, kept cell[V]) (stores.Record[V], error) {
	r := stores.Record[V]{Meta: m}
	switch {
	case m.Deleted:
		return r, nil
	case c.clone != nil:
		r.Value = c.clone(kept.value)
		return r, nil
	}
	v, err := c.decode(kept.data)
	if err != nil {
		return stores.Record[V]{}, fmt.Errorf("memstore: decoding a %T: %w", v, err)
	}
	r.Value = v
	return r, nil
}
