// Copier runs the operations of package copier on two views of bolt files:
//
//	copier copy   --old users.bolt:users --new people.bolt:people --checkpoint copy.json
//	copier verify --old users.bolt:users --new people.bolt:people --findings differences.jsonl
//	copier repair --old users.bolt:users --new people.bolt:people differences.jsonl
//	copier finish --store people.bolt:people --confirm nobody-writes-both
//
// Records are JSON documents, which are carried byte by byte; with --values bytes they are anything. Both places have
// records of the same shape: a migration that changes the shape has a mapping in Go, and runs the package from a main of
// its own.
//
// A bolt file belongs to one process, so this is for a service that is stopped; beside a live one the package runs in the
// service's process.
//
// Exit codes: 0 done, and clean; 1 there are differences or other findings; 2 wrong usage, and nothing was done;
// 3 interrupted by SIGINT or SIGTERM, with a checkpoint the same command goes on; 4 failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/dualwrite/dualwrite/copier"
)

// The exit codes.
const (
	exitClean       = 0
	exitFindings    = 1
	exitUsage       = 2
	exitInterrupted = 3
	exitFailed      = 4
)

const description = `Copies, compares and repairs the records of a migration between two views of bolt files.

Exit codes: 0 done and clean; 1 differences or other findings; 2 wrong usage, nothing was done; 3 interrupted (with a
checkpoint the same command goes on); 4 failed.`

// cli is the command line.
type cli struct {
	Copy   copyCmd   `cmd:"" help:"Copy old to new, then verify and repair until nothing differs."`
	Verify verifyCmd `cmd:"" help:"Compare both places both ways."`
	Repair repairCmd `cmd:"" help:"Set single records right, as a findings file names them."`
	Finish finishCmd `cmd:"" help:"Remove tombstones and metadata when a migration is over."`
}

// usageError is wrong usage: exit code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without its process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	left := false // the parser printed what was asked for, as --help
	parser, err := kong.New(&c, kong.Name("copier"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { left = true }))
	if err != nil {
		return fail(stderr, err)
	}
	parsed, err := parser.Parse(args)
	if left {
		return exitClean
	}
	if err != nil {
		return fail(stderr, usageError{fmt.Errorf("%w (copier --help, or copier COMMAND --help, lists what there is)", err)})
	}
	clean, err := parsed.Selected().Target.Addr().Interface().(command).run(ctx, &console{out: stdout, err: stderr})
	switch {
	case err != nil:
		return fail(stderr, err)
	case !clean:
		return exitFindings
	default:
		return exitClean
	}
}

// command is one of the commands; clean is its verdict.
type command interface {
	run(ctx context.Context, c *console) (clean bool, err error)
}

// fail says what went wrong and chooses the exit code.
func fail(stderr io.Writer, err error) int {
	var usage usageError
	code, hint := exitFailed, ""
	switch {
	case errors.As(err, &usage):
		code = exitUsage
	case errors.Is(err, context.Canceled):
		code = exitInterrupted
	case errors.Is(err, copier.ErrCheckpoint):
		code, hint = exitUsage, "\ncopier: --restart begins a new pass, --checkpoint names another file"
	}
	_, _ = fmt.Fprintf(stderr, "copier: %s%s\n", strings.TrimPrefix(err.Error(), "copier: "), hint)
	return code
}
