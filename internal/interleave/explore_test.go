package interleave

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	exploreFor = flag.Duration("explore", 0, "explore as many scenarios of all tables as there is time for")
	onlyTable  = flag.String("table", "", "explore this table only: pairs, sequences, windows, handovers or triples")
	cutOff     = flag.Int("cut", 100_000, "explore so many schedules of a scenario at most")
	journalDir = flag.String("journal", "", "keep there how far the exploration has come, and go on from it")
)

// TestExplore is the large run: each table without a fault, and with one of any kind at any call. The scenarios come in an
// order that the seed gives, from where the journal says that the run before was.
func TestExplore(t *testing.T) {
	if *exploreFor == 0 {
		t.Skip("give -explore a duration")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // about a seventh less work, for half as much memory again
	end := time.Now().Add(*exploreFor)
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var all, open []*exploration
	for _, table := range Tables() {
		if *onlyTable != "" && *onlyTable != table.Name {
			continue
		}
		for faults := range 2 {
			key := journalKey{Binary: binary, Table: table.Name, Faults: faults, Seed: *seed, Cut: *cutOff}
			x, what, err := newExploration(*journalDir, key, table)
			if err != nil {
				t.Fatal(err)
			}
			x.explore = func(s *Scenario) (Report, error) { return Explore(t, s, exploreLimits(s, faults)) }
			x.say = func(line string) { fmt.Fprintln(os.Stderr, "explore", line) }
			x.say(key.name() + ": " + what)
			all = append(all, x)
		}
	}
	if len(all) == 0 {
		t.Fatalf("there is no table %q", *onlyTable)
	}
	finished := func(x *exploration) bool { return x.journal.done() }
	for open = slices.DeleteFunc(slices.Clone(all), finished); len(open) > 0 && time.Now().Before(end) && !t.Failed(); {
		for i, x := range open { // each with the same share of what is left
			stop := time.Now().Add(time.Until(end) / time.Duration(len(open)-i))
			if err := x.run(func() bool { return time.Now().Before(stop) }); err != nil {
				t.Error(err)
				break
			}
		}
		open = slices.DeleteFunc(open, finished)
	}
	for _, x := range all {
		t.Log(x.journal)
	}
}

// exploration is a table on its way.
type exploration struct {
	table   scenarios
	rows    []int // of the table, in the order of the seed
	journal *journal
	explore func(*Scenario) (Report, error)
	say     func(line string)
	// saveEvery and sayEvery are how often the journal is written, and read out.
	saveEvery, sayEvery time.Duration
	said                time.Time
}

// scenarios is a [Table], or what stands for one.
type scenarios interface {
	Len() int
	At(row int) *Scenario
	Find(name string) *Scenario
}

// newExploration reads the journal and says what it says.
func newExploration(dir string, key journalKey, table scenarios) (x *exploration, what string, err error) {
	x = &exploration{table: table, saveEvery: 5 * time.Second, sayEvery: 10 * time.Second}
	for i := range table.Len() {
		if table.At(i) != nil {
			x.rows = append(x.rows, i)
		}
	}
	rng := rand.New(rand.NewPCG(key.Seed, 0))
	rng.Shuffle(len(x.rows), func(i, j int) { x.rows[i], x.rows[j] = x.rows[j], x.rows[i] })
	x.journal, what, err = openJournal(dir, key, len(x.rows), time.Now())
	return x, what, err
}

// explored is what came of the scenario at an index.
type explored struct {
	index  int
	report Report
	err    error
}

// run explores on all processors as long as there is more time. What the journal counts is always the first scenarios of
// the order: a scenario that ends before an earlier one has to wait for it. An error ends the run.
func (x *exploration) run(more func() bool) (err error) {
	if err := x.repeat(); err != nil {
		return err
	}
	work, results, stop := x.workers()
	defer stop()
	waiting := map[int]Report{}
	next, running := x.journal.Next, 0
	saved, counted := time.Now(), time.Now()
	x.said = counted
	for {
		hand := work
		if next == len(x.rows) || err != nil || !more() {
			hand = nil
		}
		if hand == nil && running == 0 {
			break
		}
		select {
		case hand <- next:
			next++
			running++
			continue
		case r := <-results:
			running--
			if problem := x.note(r, waiting); err == nil {
				err = problem
			}
		}
		now := time.Now()
		x.journal.worked(now.Sub(counted))
		counted = now
		if err == nil && now.Sub(saved) >= x.saveEvery {
			saved, err = now, x.journal.save(now)
		}
		x.progress(now)
	}
	if saveErr := x.journal.save(time.Now()); err == nil {
		err = saveErr
	}
	return err
}

// workers explore what comes in by index, one on each processor, until they are stopped, when no result is outstanding.
func (x *exploration) workers() (work chan<- int, results <-chan explored, stop func()) {
	in, out := make(chan int), make(chan explored)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range in {
				rep, err := x.explore(x.table.At(x.rows[i]))
				out <- explored{i, rep, err}
			}
		})
	}
	return in, out, func() {
		close(in)
		workers.Wait()
	}
}

// note adds a result to the journal, with those that waited for it.
func (x *exploration) note(r explored, waiting map[int]Report) error {
	j := x.journal
	switch {
	case r.err != nil:
		return r.err
	case r.report.Violation != nil:
		if j.Violation == nil {
			j.Violation = noteViolation(r.report.Violation)
		}
		return r.report.Violation
	}
	waiting[r.index] = r.report
	for {
		rep, ok := waiting[j.Next]
		if !ok {
			return nil
		}
		delete(waiting, j.Next)
		j.add(rep)
		j.Next++
	}
}

// repeat explores the scenario again in which the run before has found a violation.
func (x *exploration) repeat() error {
	v := x.journal.Violation
	if v == nil {
		return nil
	}
	x.journal.Violation = nil
	if s := x.table.Find(v.Scenario); s == nil {
		x.say("the scenario with the last violation is not there any more: " + v.Scenario)
	} else {
		rep, err := x.explore(s)
		if err != nil {
			return err
		}
		if rep.Violation != nil {
			x.journal.Violation = noteViolation(rep.Violation)
			return errors.Join(rep.Violation, x.journal.save(time.Now()))
		}
		x.say("the last violation is not there any more: " + v.Scenario)
	}
	return x.journal.save(time.Now())
}

// progress reads the journal out, seldom.
func (x *exploration) progress(now time.Time) {
	if now.Sub(x.said) >= x.sayEvery {
		x.said = now
		x.say(x.journal.String())
	}
}
