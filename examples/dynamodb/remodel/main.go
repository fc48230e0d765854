// Command remodel moves the items of a table into another table with another data model, while the service reads and writes
// them: the key is a string instead of a number, attributes get other names and types, and two become a list. What the
// service does not know comes along as it is, to the last digit.
//
//	go run ./internal/servers/with dynamodb -- go run ./examples/dynamodb/remodel
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

func main() { os.Exit(example.OnDynamoDB("remodel", run)) }

// migration is what the steps have in common.
type migration struct {
	tables   *example.Tables
	from, to string // names of tables
	old, new *dynamostore.Store[int64, Place]
	flag     *example.Flag
	places   *dualwrite.Repository[int64, Place]
	traffic  *example.Traffic[int64, Place]
	out      *log.Logger
}

func run(ctx context.Context, tables *example.Tables, out *log.Logger) (err error) {
	m := migration{tables: tables, out: out}
	if m.from, err = tables.Create(ctx, "places", "number:N"); err != nil {
		return err
	}
	if m.to, err = tables.Create(ctx, "places_2", "place:S"); err != nil {
		return err
	}
	before, err := load(ctx, tables, m.from)
	if err != nil {
		return err
	}
	// What a service does at its start.
	if m.old, err = dynamostore.New(ctx, tables.Client, m.from, oldModel()); err != nil {
		return err
	}
	if m.new, err = dynamostore.New(ctx, tables.Client, m.to, newModel()); err != nil {
		return err
	}
	if m.flag, err = example.NewFlag(ctx, "places-migration"); err != nil {
		return err
	}
	defer m.flag.Close()
	if m.places, err = dualwrite.New(m.old, m.new, m.flag.Source(), nil); err != nil {
		return err
	}
	start, err := decoded(before)
	if err != nil {
		return err
	}
	m.traffic = example.StartTraffic(ctx, m.places, start, requests)
	err = m.walk(ctx)
	after, wrong := m.traffic.Stop()
	if err := errors.Join(err, wrong, m.places.Close(ctx)); err != nil {
		return err
	}
	if err := m.cleanUp(ctx); err != nil {
		return err
	}
	return m.check(ctx, before, after)
}

// walk is the migration: three flips, a copy and a verification.
func (m *migration) walk(ctx context.Context) error {
	if err := m.arrived(flags.OldOnly); err != nil {
		return err
	}
	if err := m.flip(ctx, flags.ReadOldWriteBoth); err != nil {
		return err
	}
	copied, verified, err := copier.CopyAndVerify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("  copied %d items, %d were there already; verified %d records: clean", copied.Applied, copied.AlreadyThere, verified.Read)

	if err := m.flip(ctx, flags.ReadNewWriteBoth); err != nil {
		return err
	}
	verified, err = copier.Verify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("  verified %d records: clean", verified.Read)

	return m.flip(ctx, flags.NewOnly) // until here, the way back is to flip back
}

func (m *migration) flip(ctx context.Context, to flags.Phase) error {
	if err := m.flag.Flip(ctx, to, m.places); err != nil {
		return err
	}
	return m.arrived(to)
}

// arrived lets the service work in a phase for a while.
func (m *migration) arrived(phase flags.Phase) error {
	err := m.traffic.Some()
	m.out.Printf("%v: the service goes on", phase)
	return err
}

// cleanUp is for the time when every instance of the service works without the wrapper, on the new table.
func (m *migration) cleanUp(ctx context.Context) error {
	finished, err := copier.Finish(ctx, m.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err := example.Clean(finished, err); err != nil {
		return err
	}
	m.out.Printf("cleaned up: the metadata of %d records, tombstones among them; the old table can go", finished.Purged)
	return nil
}

// check looks at the new table without the SDK.
func (m *migration) check(ctx context.Context, before map[int64]dynamostore.Item, after map[int64]Place) error {
	want := make(map[string]dynamostore.Item, len(after))
	for id, p := range after {
		want[newKey(id)] = remodelled(id, before[id], p)
	}
	if err := example.CompareItems(ctx, m.tables.Client, m.to, placeOf, want); err != nil {
		return err
	}
	m.out.Printf("checked %d items: the new model, all other attributes as they were, none missing, none back from the dead", len(want))
	return nil
}
