// Command flagd shows the phase of a migration following a real feature flag: a flagd provider in file mode.
//
// It writes a flag file, flips it through the four phases by renaming a new file over it, and prints each phase when it
// has arrived, with the time that took. With -file it follows a file of yours until it is interrupted; edit that file with
// an editor that saves by rename, or replace it with mv.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
)

const (
	domain  = "users"
	flagKey = "users-migration"
)

func main() {
	file := flag.String("file", "", "flagd `file` with the flag "+flagKey+" to follow; without it, a temporary file is flipped")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, out io.Writer, file string) error {
	if file != "" {
		return withSource(ctx, file, func(s *flags.OpenFeature) error { return follow(ctx, out, s) })
	}
	dir, err := os.MkdirTemp("", "flagd")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file = filepath.Join(dir, "flags.json")
	if err := flagfile.Write(file, flagKey, flags.OldOnly.String()); err != nil {
		return err
	}
	return withSource(ctx, file, func(s *flags.OpenFeature) error { return flip(ctx, out, file, s) })
}

// withSource does what a service does at its start and its end.
func withSource(ctx context.Context, file string, use func(*flags.OpenFeature) error) error {
	provider, err := flagfile.NewProvider(file)
	if err != nil {
		return err
	}
	defer openfeature.Shutdown()
	if err := openfeature.SetNamedProviderAndWait(domain, provider); err != nil {
		return err
	}
	source, err := flags.NewOpenFeature(ctx, openfeature.NewClient(domain), flagKey, nil)
	if err != nil {
		return err
	}
	defer source.Close()
	return use(source)
}

// flip walks through the four phases and says how long each flip took to arrive.
func flip(ctx context.Context, out io.Writer, file string, source *flags.OpenFeature) error {
	for _, phase := range flags.Phases() {
		began := time.Now()
		if err := flagfile.Write(file, flagKey, phase.String()); err != nil {
			return err
		}
		if err := source.Wait(ctx, phase); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%-19s  after %v\n", phase, time.Since(began).Round(10*time.Microsecond)); err != nil {
			return err
		}
	}
	return nil
}

// follow prints each change of the phase, and each new reason why it may not be what the flag says.
func follow(ctx context.Context, out io.Writer, source *flags.OpenFeature) error {
	var last flags.Status
	for {
		now, err := source.WaitFor(ctx, func(s flags.Status) bool { return s.Phase != last.Phase || s.Reason != last.Reason })
		if err != nil {
			return nil //nolint:nilerr // interrupted
		}
		last = now
		if _, err := fmt.Fprintf(out, "%s  %-19s  %s\n", time.Now().Format(time.TimeOnly), now.Phase, now.Reason); err != nil {
			return err
		}
	}
}
