package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// flagKey is the flag that says which phase the migration is in.
const flagKey = "records-migration"

// instance is one instance of the service. This file is all that a service does to take part in a migration; from then
// on it works with records as with any repository of its own: Get, Create, Update, Delete.
type instance[V any] struct {
	name    string
	clients clients
	phase   *flags.OpenFeature
	records *dualwrite.Repository[string, V]
}

// openStores opens both places over the connections of one instance: see boltPlace.store, mongoPlace.store and
// dynamoPlace.store.
type openStores[V any] func(ctx context.Context, own *clients) (old, new stores.Store[string, V], err error)

// startInstance starts an instance that reads the flag from flagFile. The clock is the example's, as its instances
// disagree about the time; a service leaves that option out.
func startInstance[V any](ctx context.Context, name, flagFile string, clock *stores.Clock, open openStores[V]) (_ *instance[V], err error) {
	i := &instance[V]{name: name}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", name, err), i.stop(ctx))
		}
	}()

	// Both places.
	old, new, err := open(ctx, &i.clients)
	if err != nil {
		return nil, err
	}

	// The flag service: flagd, reading a file. Any OpenFeature provider will do.
	provider, err := flagfile.NewProvider(flagFile)
	if err != nil {
		return nil, err
	}
	if err = openfeature.SetNamedProviderWithContextAndWait(ctx, name, provider); err != nil {
		return nil, err
	}

	// The phase follows the flag.
	client := openfeature.NewClient(name)
	if i.phase, err = flags.NewOpenFeature(ctx, client, flagKey, &flags.Options{Refresh: time.Second}); err != nil {
		return nil, err
	}

	// The repository follows the phase.
	i.records, err = dualwrite.New(old, new, i.phase, &dualwrite.Options{Clock: clock})
	return i, err
}

// stop waits for the operations that are running, then for the flag, and disconnects.
func (i *instance[V]) stop(ctx context.Context) (err error) {
	if i.records != nil {
		err = i.records.Close(ctx)
	}
	if i.phase != nil {
		i.phase.Close()
	}
	// Replacing a provider shuts it down.
	err = errors.Join(err, openfeature.SetNamedProviderWithContextAndWait(ctx, i.name, openfeature.NoopProvider{}))
	return errors.Join(err, i.clients.close(ctx))
}
