package example

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

const (
	// clients is how many there are, each with a share of the records that only it uses: so it knows every answer.
	clients = 4
	// thinking is the time between two requests of a client.
	thinking = 4 * time.Millisecond
	// some is how many requests Some waits for.
	some = 200
)

// Requests says what clients of a service write.
type Requests[K, V any] struct {
	// New makes record number n, under a key that no other record has.
	New func(n int64) (K, V)
	// Edit is change number n of a record. What v refers to stays as it is: a slice is replaced, not written to.
	Edit func(v *V, n int64)
}

// Traffic is what the clients of a service do while it is migrated.
type Traffic[K comparable, V any] struct {
	records  *dualwrite.Repository[K, V]
	requests Requests[K, V]
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	models   []map[K]V
	numbers  atomic.Int64
	answered chan struct{}
	wrong    chan error
}

// StartTraffic starts clients that read, create, change and delete records through a repository that holds the records
// given, one for each client at least. Each compares every answer with what it has written itself before.
func StartTraffic[K comparable, V any](ctx context.Context, records *dualwrite.Repository[K, V], there map[K]V, requests Requests[K, V]) *Traffic[K, V] {
	t := &Traffic[K, V]{records: records, requests: requests, answered: make(chan struct{}), wrong: make(chan error, clients)}
	t.ctx, t.stop = context.WithCancel(ctx)
	for range clients {
		t.models = append(t.models, map[K]V{})
	}
	i := 0
	for key, v := range there {
		t.models[i%clients][key] = v
		i++
	}
	for i, model := range t.models {
		c := client[K, V]{Traffic: t, model: model, rng: rand.New(rand.NewPCG(1, uint64(i)))}
		for key := range model {
			c.keys = append(c.keys, key)
		}
		t.running.Go(c.run)
	}
	return t
}

// Some returns when some more requests have been answered. An error is the first wrong answer.
func (t *Traffic[K, V]) Some() error {
	for range some {
		select {
		case <-t.answered:
		case err := <-t.wrong:
			t.wrong <- err // for Stop
			return err
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
	return nil
}

// Stop ends the traffic and returns the records that have to be there. It can be called once.
func (t *Traffic[K, V]) Stop() (map[K]V, error) {
	t.stop()
	t.running.Wait()
	close(t.wrong)
	all := map[K]V{}
	for _, model := range t.models {
		maps.Copy(all, model)
	}
	var errs []error
	for err := range t.wrong {
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// client is one client of the service.
type client[K comparable, V any] struct {
	*Traffic[K, V]
	model map[K]V // what has to be there
	keys  []K     // of all records that were there once
	rng   *rand.Rand
}

func (c *client[K, V]) run() {
	tick := time.NewTicker(thinking)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
		// What has begun goes to its end, so that there is an answer to compare.
		if err := c.request(context.WithoutCancel(c.ctx)); err != nil {
			c.wrong <- err
			return
		}
		select {
		case c.answered <- struct{}{}:
		default:
		}
	}
}

// request sends one request. The error is an answer that is not the right one.
func (c *client[K, V]) request(ctx context.Context) error {
	n := c.numbers.Add(1)
	key := c.keys[c.rng.IntN(len(c.keys))]
	switch c.rng.IntN(10) {
	case 0:
		key, v := c.requests.New(n)
		if _, err := c.records.Create(ctx, key, v); err != nil {
			return err
		}
		c.model[key] = v
		c.keys = append(c.keys, key)
	case 1:
		if err := c.records.Delete(ctx, key); err != nil {
			return err
		}
		delete(c.model, key)
	case 2, 3, 4:
		return c.update(ctx, key, n)
	default:
		v, err := c.records.Get(ctx, key)
		return c.compare(key, v, err)
	}
	return nil
}

func (c *client[K, V]) update(ctx context.Context, key K, n int64) error {
	var written V
	_, err := c.records.Update(ctx, key, func(v *V) error {
		if err := c.compare(key, *v, nil); err != nil {
			return err
		}
		c.requests.Edit(v, n)
		written = *v
		return nil
	})
	if err != nil {
		return c.compare(key, written, err)
	}
	c.model[key] = written
	return nil
}

// compare compares an answer with what has to be there.
func (c *client[K, V]) compare(key K, got V, err error) error {
	want, there := c.model[key]
	switch {
	case errors.Is(err, dualwrite.ErrNotFound) && !there:
		return nil
	case err != nil:
		return fmt.Errorf("record %v: %w", key, err)
	case !there:
		return fmt.Errorf("record %v was deleted and is back: %+v", key, got)
	case !stores.DeepEqual(got, want):
		return fmt.Errorf("record %v is %+v, want %+v", key, got, want)
	}
	return nil
}
