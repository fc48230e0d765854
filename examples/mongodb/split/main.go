// Command split moves users with one address, in two fields, to users with a list of addresses, in another collection,
// while the service reads and writes them.
//
// The old documents have no room for a second address, and need it all the same: until the very end every user has to be
// complete in both places, as the way back, and whatever helps a write over, reads it from the old one. So the old mapping puts
// what does not fit into a field of its own.
//
//	go run ./internal/servers/with mongodb -- go run ./examples/mongodb/split
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// User is a user of tomorrow, as the new collection holds it.
type User struct {
	ID        bson.ObjectID `bson:"_id"`
	Username  string        `bson:"username"`
	Addresses []Address     `bson:"addresses"`
	// Rest are all other fields, so that they come along.
	Rest map[string]bson.RawValue `bson:",inline"`
}

// Address is one of a user's addresses.
type Address struct {
	Line1 string `bson:"line_1"`
	Line2 string `bson:"line_2"`
}

// oldUser is a user as the old collection holds it.
type oldUser struct {
	ID       bson.ObjectID            `bson:"_id"`
	Username string                   `bson:"username"`
	Line1    string                   `bson:"address_line_1"`
	Line2    string                   `bson:"address_line_2"`
	More     []Address                `bson:"more_addresses,omitempty"` // there is none before the migration
	Rest     map[string]bson.RawValue `bson:",inline"`
}

// oldUsers maps a user to the old shape and back. It goes when the migration is over.
func oldUsers() *mongostore.Options[bson.ObjectID, User] {
	return &mongostore.Options[bson.ObjectID, User]{
		Encode: func(u User) (bson.D, error) {
			var first Address
			fields := bson.D{}
			if len(u.Addresses) > 0 {
				first = u.Addresses[0]
			}
			if len(u.Addresses) > 1 {
				fields = append(fields, bson.E{Key: "more_addresses", Value: u.Addresses[1:]})
			}
			for name, value := range u.Rest {
				fields = append(fields, bson.E{Key: name, Value: value})
			}
			return append(fields,
				bson.E{Key: "username", Value: u.Username},
				bson.E{Key: "address_line_1", Value: first.Line1},
				bson.E{Key: "address_line_2", Value: first.Line2},
			), nil
		},
		Decode: func(doc bson.Raw) (User, error) {
			var o oldUser
			if err := bson.Unmarshal(doc, &o); err != nil {
				return User{}, err
			}
			u := User{ID: o.ID, Username: o.Username, Addresses: []Address{}, Rest: o.Rest}
			if first := (Address{o.Line1, o.Line2}); first != (Address{}) {
				u.Addresses = append(u.Addresses, first)
			}
			u.Addresses = append(u.Addresses, o.More...)
			return u, nil
		},
	}
}

func main() { os.Exit(example.OnMongoDB("split", run)) }

// migration is what the steps have in common.
type migration struct {
	from, to *mongo.Collection
	old, new *mongostore.Store[bson.ObjectID, User]
	flag     *example.Flag
	users    *dualwrite.Repository[bson.ObjectID, User]
	traffic  *example.Traffic[bson.ObjectID, User]
	out      *log.Logger
}

func run(ctx context.Context, db *mongo.Database, out *log.Logger) (err error) {
	m := migration{from: db.Collection("users"), to: db.Collection("people"), out: out}
	before, start, err := load(ctx, m.from)
	if err != nil {
		return err
	}
	// What a service does at its start. The new store needs no mapping: that is what the tags of User are.
	if m.old, err = mongostore.New(ctx, m.from, oldUsers()); err != nil {
		return err
	}
	if m.new, err = mongostore.New[bson.ObjectID, User](ctx, m.to, nil); err != nil {
		return err
	}
	if m.flag, err = example.NewFlag(ctx, "users-migration"); err != nil {
		return err
	}
	defer m.flag.Close()
	if m.users, err = dualwrite.New(m.old, m.new, m.flag.Source(), nil); err != nil {
		return err
	}
	m.traffic = example.StartTraffic(ctx, m.users, start, requests)
	err = m.walk(ctx)
	after, wrong := m.traffic.Stop()
	if err := errors.Join(err, wrong, m.users.Close(ctx)); err != nil {
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
	m.out.Printf("  copied %d users, %d were there already; verified %d records: clean", copied.Applied, copied.AlreadyThere, verified.Read)

	if err := m.flip(ctx, flags.ReadNewWriteBoth); err != nil {
		return err
	}
	// Second thoughts, to show that the way back is a flip: users who have got more addresses by now keep them.
	if err := m.flip(ctx, flags.ReadOldWriteBoth); err != nil {
		return err
	}
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
	if err := m.flag.Flip(ctx, to, m.users); err != nil {
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

// cleanUp is for the time when every instance of the service works without the wrapper, on the new collection, leaving out
// what mongostore.Live() leaves out.
func (m *migration) cleanUp(ctx context.Context) error {
	finished, err := copier.Finish(ctx, m.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err := example.Clean(finished, err); err != nil {
		return err
	}
	m.out.Printf("cleaned up: the metadata of %d records, tombstones among them; the old collection is dropped", finished.Purged)
	return m.from.Drop(ctx)
}

// check looks at the collection without the SDK.
func (m *migration) check(ctx context.Context, before map[bson.ObjectID]bson.D, after map[bson.ObjectID]User) error {
	want, more := make(map[bson.ObjectID]bson.D, len(after)), 0
	for id, u := range after {
		want[id] = listed(before[id], u)
		if len(u.Addresses) > 1 {
			more++
		}
	}
	if err := example.Compare(ctx, m.to, want); err != nil {
		return err
	}
	m.out.Printf("checked %d documents, %d with more than one address: all other fields byte for byte, none missing, none back from the dead", len(want), more)
	return nil
}
