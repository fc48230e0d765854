package example

import (
	"context"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/dualwrite/dualwrite/flags"
)

// Flag is an OpenFeature flag in memory, in place of that of a flag service.
type Flag struct {
	key      string
	provider *memprovider.InMemoryProvider
	source   *flags.OpenFeature
	phase    flags.Phase
}

// NewFlag makes a flag that says old-only. There is one at a time in a process.
func NewFlag(ctx context.Context, key string) (*Flag, error) {
	f := &Flag{key: key, phase: flags.OldOnly, provider: memprovider.NewInMemoryProvider(variants(key, flags.OldOnly))}
	if err := openfeature.SetNamedProviderAndWait(key, f.provider); err != nil {
		return nil, err
	}
	var err error
	f.source, err = flags.NewOpenFeature(ctx, openfeature.NewClient(key), key, nil)
	return f, err
}

// Source is what a repository asks for its phase.
func (f *Flag) Source() flags.Source { return f.source }

// Flip does what whoever flips the flag of a migration has to do: set it, wait until every instance (here there is one)
// has arrived in the new phase, and until it has ended what it had begun in the old one.
func (f *Flag) Flip(ctx context.Context, to flags.Phase, instance interface {
	Drained(context.Context, flags.Phase) error
}) error {
	f.provider.UpdateFlags(variants(f.key, to))
	if err := f.source.Wait(ctx, to); err != nil {
		return err
	}
	from := f.phase
	f.phase = to
	return instance.Drained(ctx, from)
}

// Close ends the flag.
func (f *Flag) Close() {
	f.source.Close()
	openfeature.Shutdown()
}

func variants(key string, phase flags.Phase) map[string]memprovider.InMemoryFlag {
	return map[string]memprovider.InMemoryFlag{key: {
		Key: key, State: memprovider.Enabled, DefaultVariant: "phase", Variants: map[string]any{"phase": phase.String()},
	}}
}
