package boltstore

import (
	"bytes"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

func TestRecordFormat(t *testing.T) {
	t.Parallel()
	for _, v := range []stores.Version{stores.Unstamped, stamp(1), stamp(2)} {
		for _, prev := range []stores.Version{stores.Unknown, stores.Absent, stores.Unstamped, stamp(1)} {
			for flags := range 4 {
				m := stores.Meta{Version: v, Prev: prev, Intent: flags&1 != 0, Deleted: flags&2 != 0}
				bare := m == stores.Meta{Version: stores.Unstamped}
				got, value, err := cutMeta(appendMeta(nil, m))
				if want := !v.IsUnstamped() || bare; want != (err == nil) {
					t.Errorf("%+v: %v", m, err)
				} else if err == nil && (got != m || len(value) != 0) {
					t.Errorf("%+v came back %+v, % x", m, got, value)
				}
			}
		}
	}
}

// FuzzRecord: no bytes make the decoder panic, and whatever it accepts is exactly what the encoder makes of it.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{0x10, 2, 0, '{', '}'})
	f.Add(appendMeta(nil, stores.Meta{Version: stamp(3), Prev: stamp(2), Intent: true}))
	f.Add(appendMeta(nil, stores.Meta{Version: stamp(3), Deleted: true}))
	f.Add(append(appendMeta(nil, stores.Meta{Version: stamp(3), Prev: stores.Absent}), `{"n":1}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, value, err := cutMeta(b)
		if err != nil {
			return
		}
		if again := append(appendMeta(nil, m), value...); !bytes.Equal(again, b) {
			t.Fatalf("% x was read as %+v, which is % x", b, m, again)
		}
	})
}
