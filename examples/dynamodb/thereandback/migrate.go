package main

import (
	"context"
	"errors"
	"log"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// place is either database: from here on it makes no difference which.
type place = stores.Store[bson.ObjectID, Place]

// migration is what the steps have in common.
type migration struct {
	old, new place
	flag     *example.Flag
	places   *dualwrite.Repository[bson.ObjectID, Place]
	traffic  *example.Traffic[bson.ObjectID, Place]
	out      *log.Logger
}

// migrate is one migration under traffic, in either direction, from the flag at old-only to the metadata removed. It returns
// the records that have to be in the new place.
func migrate(ctx context.Context, old, new place, start map[bson.ObjectID]Place, r example.Requests[bson.ObjectID, Place], out *log.Logger) (map[bson.ObjectID]Place, error) {
	m := migration{old: old, new: new, out: out}
	var err error
	if m.flag, err = example.NewFlag(ctx, "places-migration"); err != nil {
		return nil, err
	}
	defer m.flag.Close()
	if m.places, err = dualwrite.New(old, new, m.flag.Source(), nil); err != nil {
		return nil, err
	}
	m.traffic = example.StartTraffic(ctx, m.places, start, r)
	err = m.walk(ctx)
	after, wrong := m.traffic.Stop()
	if err := errors.Join(err, wrong, m.places.Close(ctx)); err != nil {
		return nil, err
	}
	// No instance of the service has the wrapper any more.
	finished, err := copier.Finish(ctx, new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	out.Printf("  cleaned up: the metadata of %d records, tombstones among them", finished.Purged)
	return after, example.Clean(finished, err)
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
	m.out.Printf("    copied %d records, %d were there already, none was changed; verified %d: clean", copied.Applied, copied.AlreadyThere, verified.Read)

	if err := m.flip(ctx, flags.ReadNewWriteBoth); err != nil {
		return err
	}
	verified, err = copier.Verify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("    verified %d records: clean", verified.Read)

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
	m.out.Printf("  %v: the service goes on", phase)
	return err
}
