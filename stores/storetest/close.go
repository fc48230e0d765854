package storetest

import (
	"context"
	"io"

	"github.com/dualwrite/dualwrite/stores"
)

func testClose[K, V any](e *env[K, V]) {
	e.fresh("later calls", func(e *env[K, V]) {
		c := e.closer()
		key, gone := e.newKey(), e.newKey()
		live := e.plant(key, stores.Meta{Version: e.stamp()}, 1)
		tomb := e.plant(gone, stores.Meta{Version: e.stamp(), Deleted: true}, 0)
		for range 2 {
			if err := c.Close(); err != nil {
				e.Error(err)
			}
		}
		for op, err := range e.callAll(e.Context(), key, live.Version, gone, tomb.Version) {
			if !isUnsupported(err) {
				e.isError(op, err, stores.ErrClosed)
			}
		}
	})
	e.fresh("during a scan", func(e *env[K, V]) {
		c := e.closer()
		e.fill(scanned)
		e.inTime(func(ctx context.Context) error {
			var errClose error
			stop := func() { errClose = c.Close() }
			if err := e.scanUntil(ctx, 10, scanned, stop, stores.ErrClosed); err != nil {
				return err
			}
			return errClose
		})
	})
}

func (e *env[K, V]) closer() io.Closer {
	e.Helper()
	c, ok := e.s.(io.Closer)
	if !ok {
		e.Skip("the store is no io.Closer")
	}
	return c
}
