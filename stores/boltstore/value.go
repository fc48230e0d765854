package boltstore

import "github.com/dualwrite/dualwrite/stores/internal/jsonform"

// codec maps values to bytes and back.
type codec[V any] struct {
	encode func(dst []byte, v V) ([]byte, error)
	decode func(b []byte) (V, error)
}

func jsonCodec[V any]() (codec[V], error) {
	c, err := jsonform.New[V]()
	if err != nil {
		return codec[V]{}, err
	}
	return codec[V]{c.Append, c.Parse}, nil
}
