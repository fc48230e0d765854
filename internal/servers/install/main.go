// Command install installs the servers that the tests run against, unless they are there already. It is what
// `make servers` runs.
//
// Where cargo is missing it says so and succeeds, so that everything else can be tested, but fails where CI=true. With
// DUALWRITE_SKIP_SERVERS=1 it does nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/dualwrite/dualwrite/internal/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := install(ctx, os.Stderr, os.Getenv, nil)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func install(ctx context.Context, out io.Writer, getenv func(string) string, o *servers.InstallOptions) error {
	if getenv(servers.SkipVariable) == "1" {
		loud(out, servers.SkipVariable+"=1: the real servers are not installed, their tests are SKIPPED")
		return nil
	}
	for _, s := range servers.All() {
		err := servers.Install(ctx, s, out, o)
		if errors.Is(err, servers.ErrNoCargo) && getenv("CI") != "true" {
			loud(out, err.Error())
			loud(out, "the tests that need the real servers are SKIPPED; install Rust and run `make servers`")
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func loud(out io.Writer, what string) { _, _ = fmt.Fprintln(out, "!!! "+what) }
