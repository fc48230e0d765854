// Command quickstart is a whole live migration in one command:
//
//	go run ./examples/quickstart
//
// It imports 171,075 real records into a bolt file in their old shape, starts three instances of a service on it with
// live readers and writers, and moves everything to a second bolt file in a new shape while a flag walks from old-only
// to new-only. With -old and -new either place can be a collection of MongoDB or a table of DynamoDB instead. In the end a
// checker, which knows nothing but what clients were told and what the places hold, says whether anything was lost, stale,
// resurrected or different. The last line is
//
//	RESULT ok requests=… failed=0 lost=0 stale=0 resurrected=0 diverged=0 indeterminate=… downtime_ms=0 copied=… copy_rate=…/s p50_us=… p99_us=…
//
// or RESULT FAILED and exit status 1. Over a database with a server it goes on with
//
//	outages=0 outage_ms=0 failed_in_outage=0 indeterminate_in_outage=0
//
// What a service has to do is in service.go; how the shapes are mapped in place.go, boltplace.go, mongoplace.go and
// dynamoplace.go; what the copier is told in task.go; when a flip is safe in gates.go and walk.go. Traffic is in load.go
// and client.go, and the checker, which is independent of the SDK, in history.go, model.go, judge.go, compare.go, downtime.go and outage.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command is main without the process.
func command(args []string, out, errOut io.Writer) int {
	cfg, err := parseArgs(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return quickstart(ctx, cfg, out, errOut)
}

// quickstart runs the migration with the shape that the input has.
func quickstart(ctx context.Context, cfg *config, out, errOut io.Writer) int {
	isPlaces := cfg.input == ""
	if !isPlaces {
		in, err := openInput(cfg.input)
		if err == nil {
			isPlaces, err = arePlaces(in)
			err = errors.Join(err, in.Close())
		}
		if err != nil {
			_, _ = fmt.Fprintln(errOut, err)
			return exitUsage
		}
	}
	if isPlaces {
		sh := placeShape()
		return migrateInput(ctx, cfg, &sh, out, errOut)
	}
	sh := docShape(cfg.old.inMongoDB() || cfg.new.inMongoDB(), cfg.old.inDynamoDB() || cfg.new.inDynamoDB())
	return migrateInput(ctx, cfg, &sh, out, errOut)
}

// migrateInput reads the input, all of it before anything is written, and runs the migration in a folder.
func migrateInput[V any](ctx context.Context, cfg *config, sh *shape[V], out, errOut io.Writer) int {
	records, err := readInput(cfg, sh)
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "nothing was imported: %v\n", err)
		return exitUsage
	}
	dir, temporary, err := cfg.openDir()
	if err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return exitUsage
	}
	s := newScreen(out)
	s.say("seed %d; the files are in %s", cfg.seed, dir)
	rep, err := run(ctx, cfg, dir, sh, records, s, nil)
	if err == nil && cfg.report != "" {
		err = writeReport(cfg.report, rep)
	}
	if keep := err != nil || rep.Result == resultFailed; temporary && (!keep || ctx.Err() != nil || errors.Is(err, errRefused)) {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		switch {
		case ctx.Err() != nil:
			return exitInterrupted
		case errors.Is(err, errRefused):
			return exitUsage
		}
		return exitFailed
	}
	rep.show(s)
	s.plain(rep.line())
	return map[string]int{resultOK: exitOK, resultFailed: exitFailed, resultInterrupted: exitInterrupted}[rep.Result]
}

func readInput[V any](cfg *config, sh *shape[V]) ([]record, error) {
	in, err := openInput(cfg.input)
	if err != nil {
		return nil, err
	}
	records, err := readRecords(in, cfg.records, sh)
	return records, errors.Join(err, in.Close())
}
