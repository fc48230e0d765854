package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// client sends requests to one instance, one after the other, and records what it was told.
type client[V any] struct {
	load    *load[V]
	records *dualwrite.Repository[string, V]
	rng     *rand.Rand
	events  []event
}

// read asks for a record.
func (c *client[V]) read(arrived time.Duration) {
	c.get(c.load.keys.forRead(c.rng), arrived)
}

// write sends one of the changes that a service makes.
func (c *client[V]) write(arrived time.Duration) {
	number := c.load.number.Add(1)
	key := c.load.keys.forWrite(c.rng)
	switch n := c.rng.IntN(100); {
	case n < 45:
		c.update(key, number, arrived)
	case n < 60:
		c.putIf(key, number, arrived)
	case n < 75:
		key = c.load.keys.forCreate(c.rng, number)
		c.store(opCreate, key, number, arrived)
	case n < 85:
		c.store(opPut, key, number, arrived)
	default:
		c.delete(key, number, arrived)
	}
	c.load.keys.written(key)
}

func (c *client[V]) get(key string, arrived time.Duration) (v V, version stores.Version, e event) {
	e = event{key: key, kind: opRead, arrived: arrived}
	c.request(&e, func(ctx context.Context) (err error) {
		v, version, err = c.records.GetVersion(ctx, key)
		return err
	})
	e.saw = c.text(&e, v)
	c.events = append(c.events, e)
	return v, version, e
}

func (c *client[V]) store(k kind, key string, number int64, arrived time.Duration) {
	v := c.load.shape.fresh(key, number)
	e := event{key: key, kind: k, number: number, arrived: arrived}
	e.wrote = c.text(&e, v)
	put := c.records.Put
	if k == opCreate {
		put = c.records.Create
	}
	c.request(&e, func(ctx context.Context) error {
		_, err := put(ctx, key, v)
		return err
	})
	c.events = append(c.events, e)
}

func (c *client[V]) update(key string, number int64, arrived time.Duration) {
	e := event{key: key, kind: opUpdate, number: number, arrived: arrived}
	c.request(&e, func(ctx context.Context) error {
		_, err := c.records.Update(ctx, key, func(v *V) (err error) {
			if e.saw, err = c.load.shape.text(*v); err != nil {
				return err
			}
			c.load.shape.edit(v, number)
			e.wrote, err = c.load.shape.text(*v)
			return err
		})
		return err
	})
	c.events = append(c.events, e)
}

// putIf reads a record and stores an edited one, on the condition that it is still the version that was read.
func (c *client[V]) putIf(key string, number int64, arrived time.Duration) {
	v, version, base := c.get(key, arrived)
	if base.answer != done {
		return
	}
	e := event{key: key, kind: opPutIf, number: number, arrived: arrived, saw: base.saw}
	c.load.shape.edit(&v, number)
	e.wrote = c.text(&e, v)
	c.request(&e, func(ctx context.Context) error {
		_, err := c.records.PutIf(ctx, key, v, version)
		return err
	})
	if e.answer == wrongVersion {
		_, now, again := c.get(key, arrived)
		e.moved = again.answer == done && again.saw == e.saw && !now.Same(version)
	}
	c.events = append(c.events, e)
}

func (c *client[V]) delete(key string, number int64, arrived time.Duration) {
	e := event{key: key, kind: opDelete, number: number, arrived: arrived}
	c.request(&e, func(ctx context.Context) error { return c.records.Delete(ctx, key) })
	c.events = append(c.events, e)
}

// request times a call and notes its answer.
func (c *client[V]) request(e *event, call func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.load.timeout)
	defer cancel()
	e.call = c.load.now()
	err := call(ctx)
	e.ret = c.load.now()
	if e.answer = answerOf(err); e.answer == failed || e.answer == unknown {
		e.err = err
	}
}

// text is the content of v for an event that has any.
func (c *client[V]) text(e *event, v V) string {
	if e.answer != done {
		return ""
	}
	text, err := c.load.shape.text(v)
	if err != nil {
		e.answer, e.err = failed, err
	}
	return text
}

func answerOf(err error) answer {
	switch {
	case err == nil:
		return done
	case errors.Is(err, dualwrite.ErrIndeterminate):
		return unknown
	case errors.Is(err, dualwrite.ErrNotFound):
		return notFound
	case errors.Is(err, dualwrite.ErrExists):
		return exists
	case errors.Is(err, dualwrite.ErrVersion):
		return wrongVersion
	default:
		return failed
	}
}
