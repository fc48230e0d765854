package flags_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

func ExampleNewOpenFeature() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// Any OpenFeature provider: flagd, LaunchDarkly, a file. Bind it before the source is created, and wait for it.
	defer openfeature.Shutdown()
	provider := flagtest.NewProvider(nil)
	provider.Set("users-migration", "old-only")
	if err := openfeature.SetNamedProviderAndWait("users", provider); err != nil {
		fmt.Println(err)
		return
	}

	phase, err := flags.NewOpenFeature(ctx, openfeature.NewClient("users"), "users-migration", nil)
	if err != nil {
		fmt.Println(err) // no provider, no such flag, ...: the error says what was seen last
		return
	}
	defer phase.Close()

	p, err := phase.Phase(ctx)
	fmt.Println(p, err)

	provider.Set("users-migration", "read-old/write-both")
	if err := phase.Wait(ctx, flags.ReadOldWriteBoth); err != nil {
		fmt.Println(err)
	}
	fmt.Println(phase.Status().Phase)

	// Output:
	// old-only <nil>
	// read-old/write-both
}

// freezable is a source of one's own around another one: writes are refused while it is frozen, and reads go on.
type freezable struct {
	flags.Source
	frozen atomic.Bool
}

var errFrozen = errors.New("frozen for maintenance")

func (f *freezable) WritesRefused() error {
	if f.frozen.Load() {
		return errFrozen
	}
	if gate, ok := f.Source.(flags.WriteGate); ok { // what the other one refuses
		return gate.WritesRefused()
	}
	return nil
}

func ExampleWriteGate() {
	source := &freezable{Source: flags.Static(flags.ReadOldWriteBoth)}
	fmt.Println(source.WritesRefused())
	source.frozen.Store(true) // a Repository over it answers errFrozen to writes; its DrainedWrites waits for those that run
	fmt.Println(source.WritesRefused())

	// Output:
	// <nil>
	// frozen for maintenance
}
