package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// config is what the command line says, and the pace of the walk.
type config struct {
	input, report, dir string
	old, new           target
	records            int
	writes, reads      int
	copyRate           int
	instances          int
	seed               uint64
	manual             bool
	pace               pace
	limits             limits
}

// limits are how long something may take before somebody is to blame for it.
type limits struct {
	// request is how long a request may take, and arrival how long instances may take to arrive in a phase.
	request, arrival time.Duration
	// ping is how long a database may take to answer before it counts as gone, and recovery how long a service may take at
	// least to find it again.
	ping, recovery time.Duration
	// window is how finely time without success is measured.
	window time.Duration
}

var defaultLimits = limits{
	request: 10 * time.Second, arrival: 30 * time.Second, ping: 2 * time.Second, recovery: time.Second, window: 100 * time.Millisecond,
}

// pace is how long things take that nobody has to wait for.
type pace struct {
	// dwell is how long the walk stays in a phase at least, once everything there is done.
	dwell time.Duration
	// spread is the time between the first and the last instance seeing a flip.
	spread time.Duration
	// skew is how far the clocks of the instances are off, at most, in either direction.
	skew time.Duration
	// status is the time between two status lines.
	status time.Duration
}

var defaultPace = pace{dwell: 2 * time.Second, spread: 600 * time.Millisecond, skew: 50 * time.Millisecond, status: 3 * time.Second}

const usage = `quickstart migrates real records from one place to another, from an old shape to a new one, under live traffic.

It starts a service of several instances, walks the flag from old-only to new-only, copies and verifies on the way, and
then checks from its own record of every answer that nothing was lost, stale, resurrected or different. The last line is
the result.

A place is a bolt file, a collection of MongoDB or a table of DynamoDB, which -old and -new name; each may be any:

    -old FILE
    -new mongodb://[USER:PASSWORD@]HOST:PORT/DATABASE.COLLECTION[?OPTIONS]
    -new dynamodb://HOST:PORT/TABLE

A collection or table has to be empty; one that was not there before is dropped in the end. OPTIONS are those of a MongoDB
connection string. HOST:PORT is a DynamoDB server of your own, asked over plain HTTP with credentials that are made up:
nothing here can reach an AWS account. If a database goes away in the middle and comes back, the run waits for it;
requests that fail meanwhile are counted apart.

`

// parseArgs reads the command line. The error names everything that is wrong with it.
func parseArgs(args []string, errOut io.Writer) (*config, error) {
	c := &config{pace: defaultPace, limits: defaultLimits}
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(errOut)
	fs.Usage = func() { _, _ = fmt.Fprint(errOut, usage); fs.PrintDefaults() }
	fs.StringVar(&c.input, "input", "", "`file` with records of your own, one JSON object with an id a line (.gz is unpacked); default the places")
	oldAt := fs.String("old", "", "where the old `place` is; default a bolt file")
	newAt := fs.String("new", "", "where the new `place` is; default a bolt file")
	fs.IntVar(&c.records, "records", 0, "take the first `n` records only")
	fs.IntVar(&c.writes, "writes", 1000, fmt.Sprintf("writes per second, over all instances; over a server %d", serverWrites))
	fs.IntVar(&c.reads, "reads", 1000, fmt.Sprintf("reads per second, over all instances; over a server %d", serverReads))
	fs.IntVar(&c.copyRate, "copy-rate", 0, fmt.Sprintf("records per second that a copy reads, a verify four times as many; default no limit, over a server %d", serverCopyRate))
	fs.IntVar(&c.instances, "instances", 3, "instances of the service")
	fs.Uint64Var(&c.seed, "seed", 0, "seed of the traffic; default a random one, which is printed")
	fs.StringVar(&c.report, "report", "", "write a report to this JSON `file`")
	fs.BoolVar(&c.manual, "manual", false, "do not flip the flag: it is edited by hand (every answer is kept in memory, about 1 MB a second at the default rates)")
	fs.StringVar(&c.dir, "dir", "", "keep the `folder` with the bolt files and the flag, and what was written to a server; default a temporary one that is removed")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if err := errors.Join(c.setPlaces(*oldAt, *newAt), c.check(fs.Args())); err != nil {
		return nil, err
	}
	c.slowDown(fs)
	for c.seed == 0 {
		c.seed = rand.Uint64()
	}
	return c, nil
}

// The defaults over a database with a server are for a small one: a write to both places is three writes there, each of
// which waits for the disks of a majority, and a copy that takes all that the server has leaves nothing for the service.
const (
	serverWrites   = 100
	serverReads    = 300
	serverCopyRate = 4000
)

// setPlaces reads -old and -new.
func (c *config) setPlaces(old, new string) (err error) {
	var oldErr, newErr error
	if c.old, oldErr = parseTarget(old); oldErr != nil {
		oldErr = fmt.Errorf("-old: %w", oldErr)
	}
	if c.new, newErr = parseTarget(new); newErr != nil {
		newErr = fmt.Errorf("-new: %w", newErr)
	}
	if oldErr == nil && newErr == nil && c.old.same(&c.new) {
		err = errors.New("-old and -new are the same place")
	}
	return errors.Join(oldErr, newErr, err)
}

// slowDown applies the default rates for servers.
func (c *config) slowDown(fs *flag.FlagSet) {
	if !c.old.inServer() && !c.new.inServer() {
		return
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, d := range []struct {
		name string
		rate *int
		to   int
	}{{"writes", &c.writes, serverWrites}, {"reads", &c.reads, serverReads}, {"copy-rate", &c.copyRate, serverCopyRate}} {
		if !given[d.name] {
			*d.rate = d.to
		}
	}
}

// Rates above this are beyond what one process can send.
const maxRate = 100_000

func (c *config) check(rest []string) error {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if len(rest) > 0 {
		bad("unexpected argument %q", rest[0])
	}
	if c.records < 0 {
		bad("-records is %d", c.records)
	}
	if c.writes < 0 || c.writes > maxRate || c.reads < 0 || c.reads > maxRate || c.writes+c.reads == 0 {
		bad("-writes and -reads are 0 to %d, and not both 0: got %d and %d", maxRate, c.writes, c.reads)
	}
	if c.copyRate < 0 {
		bad("-copy-rate is %d", c.copyRate)
	}
	if c.instances < 1 || c.instances > 64 {
		bad("-instances is 1 to 64: got %d", c.instances)
	}
	return errors.Join(wrong...)
}

// openDir makes the folder of the run. A folder of an earlier run is refused: its files are somebody's.
func (c *config) openDir() (dir string, temporary bool, err error) {
	if c.dir == "" {
		dir, err = os.MkdirTemp("", "dualwrite-quickstart-")
		return dir, true, err
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", false, err
	}
	for _, name := range []string{oldFile, newFile} {
		if _, err := os.Stat(filepath.Join(c.dir, name)); !errors.Is(err, os.ErrNotExist) {
			return "", false, fmt.Errorf("%s holds a %s already: name another folder, or move that file away", c.dir, name)
		}
	}
	return c.dir, false, nil
}
