// Command with runs a command with a real database server that is there for that command only: it starts the server on
// 127.0.0.1 with its data in a temporary folder, says in the command's environment where it is, and ends it afterwards.
//
//	go run ./internal/servers/with mongodb -- go run ./examples/mongodb/rename
//
// The servers are mongodb (MONGODB_URI), dynamodb (DYNAMODB_ENDPOINT) and dynalite (DUALWRITE_TEST_DYNAMODB_ENDPOINT: for the tests
// themselves); several are separated by commas. Where the variable is
// set already, the server that it names is used and none is started. Standard input, output and error are the command's,
// SIGINT, SIGTERM and SIGHUP are passed on to it, and its exit status is that of with (which `go run` makes a 1); 128 and the
// signal if it was killed.
//
// The servers come from `make servers`. With -optional the command is skipped, loudly and with status 0, where they
// are not installed; but not where CI=true.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/dualwrite/dualwrite/internal/servers"
)

// errUsage is what is wrong with the command line.
var errUsage = errors.New("want: with [-optional] mongodb|dynamodb|dynalite[,…] -- COMMAND [ARGUMENT…]")

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(os.Args[1:], signals, os.Stderr)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "with:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// offer is a server, and how a command is told where it is.
type offer struct {
	servers.Server
	variable string
	value    func(addr string) string
}

var offers = map[string]offer{
	"mongodb":  {servers.MongoDB(), "MONGODB_URI", func(addr string) string { return "mongodb://" + addr + "/?directConnection=true" }},
	"dynalite": {servers.Dynalite(), "DUALWRITE_TEST_DYNAMODB_ENDPOINT", func(addr string) string { return "http://" + addr }},
	"dynamodb": {servers.DynamoDB(), "DYNAMODB_ENDPOINT", func(addr string) string { return "http://" + addr }},
}

// run returns the exit status of the command, or why it was not run.
func run(args []string, signals <-chan os.Signal, loud io.Writer) (code int, err error) {
	wanted, optional, command, err := parse(args, os.Getenv)
	if err != nil {
		return 2, err
	}
	root, err := servers.Root()
	if err != nil {
		return 1, err
	}
	for _, o := range wanted {
		if why := skipped(o.Installed(root), optional, os.Getenv); why != "" {
			_, err := fmt.Fprintf(loud, "!!! %s: %s: NOT RUN: %s\n", o.Name, why, strings.Join(command, " "))
			return 0, err
		}
	}
	dir, err := servers.Data()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return serve(wanted, dir, command, signals)
}

// parse reads the command line. Servers that the environment names already are left out.
func parse(args []string, getenv func(string) string) (wanted []offer, optional bool, command []string, err error) {
	fs := flag.NewFlagSet("with", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&optional, "optional", false, "")
	if err := fs.Parse(args); err != nil {
		return nil, false, nil, fmt.Errorf("%w; %w", err, errUsage)
	}
	rest := fs.Args()
	if len(rest) < 3 || rest[1] != "--" {
		return nil, false, nil, errUsage
	}
	for name := range strings.SplitSeq(rest[0], ",") {
		o, ok := offers[name]
		if !ok {
			return nil, false, nil, fmt.Errorf("there is no server %q; %w", name, errUsage)
		}
		if getenv(o.variable) == "" {
			wanted = append(wanted, o)
		}
	}
	return wanted, optional, rest[2:], nil
}

// skipped says why a command is not to be run; "" if it is, even if only to fail.
func skipped(installed, optional bool, getenv func(string) string) string {
	switch {
	case !optional:
		return ""
	case getenv(servers.SkipVariable) == "1":
		return servers.SkipVariable + "=1 is set"
	case !installed && getenv("CI") != "true":
		return "not installed, run `make servers` (or for dynalite `make test-dynalite`)"
	default:
		return ""
	}
}
