// Command install installs the servers that the tests run against, unless they are there already. It is what
// `make servers` runs.
//
// Where cargo is missing it says so and succeeds, so that everything else can be tested, but fails where CI=true. With
// DUALWRITE_SKIP_SERVERS=1 it does nothing. With dynalite it installs that second server for DynamoDB's protocol, which needs node and
// npm. With -check it installs nothing, and says what tests had to do without.
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
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return install(ctx, os.Stderr, os.Getenv, nil)
	case len(args) == 1 && args[0] == "dynalite":
		return installDynalite(ctx, os.Stderr)
	case len(args) == 1 && args[0] == "-check":
		root, err := servers.Root()
		if err == nil {
			check(os.Stderr, os.Getenv, root)
		}
		return err
	default:
		return fmt.Errorf("servers: %q is no argument: there are only -check and dynalite", args)
	}
}

// check names the servers that no test used.
func check(out io.Writer, getenv func(string) string, root string) {
	for _, s := range servers.All() {
		switch {
		case getenv(servers.SkipVariable) == "1":
			loud(out, servers.SkipVariable+"=1: NOTHING was tested with a real "+s.Name+" server")
		case !s.Installed(root):
			loud(out, "NOTHING was tested with a real "+s.Name+" server: it is not installed, run `make servers`")
		}
	}
}

// installDynalite installs the server that is there only for those who ask for it.
func installDynalite(ctx context.Context, out io.Writer) error {
	err := servers.Install(ctx, servers.Dynalite(), out, nil)
	if errors.Is(err, servers.ErrNoNPM) && os.Getenv("CI") != "true" {
		loud(out, err.Error())
		loud(out, "NOTHING is tested with dynalite")
		return nil
	}
	return err
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
