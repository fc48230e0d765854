// Command singletable moves the items of two tables into one, while the service reads and writes them: a single-table design,
// in which one query answers with a country and all of its cities.
//
//	table countries: code                   table atlas: pk             sk
//	table cities:    id                                  COUNTRY#AD     COUNTRY
//	                                                     COUNTRY#AD     CITY#AD-00001
//
// Each kind of item is a store and a repository of its own, and one flag is that of both: so they are in the same phase.
//
//	go run ./internal/servers/with dynamodb -- go run ./examples/dynamodb/singletable
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
)

func main() { os.Exit(example.OnDynamoDB("singletable", run)) }

// migration is what the steps have in common.
type migration struct {
	tables    *example.Tables
	from      sources
	to        string // name of the new table
	flag      *example.Flag
	countries *kind[Country]
	cities    *kind[City]
	out       *log.Logger
}

func run(ctx context.Context, tables *example.Tables, out *log.Logger) (err error) {
	m := migration{tables: tables, out: out}
	if err := m.createTables(ctx); err != nil {
		return err
	}
	countries, cities, err := load(ctx, tables, m.from)
	if err != nil {
		return err
	}
	// What a service does at its start.
	if m.flag, err = example.NewFlag(ctx, "atlas-migration"); err != nil {
		return err
	}
	defer m.flag.Close()
	if m.countries, err = openKind(ctx, tables.Client, m.from.countries, m.to, m.flag, countryItems()); err != nil {
		return err
	}
	if m.cities, err = openKind(ctx, tables.Client, m.from.cities, m.to, m.flag, cityItems()); err != nil {
		return err
	}
	m.countries.start(ctx, countries, countryRequests)
	m.cities.start(ctx, cities, cityRequests)
	err = m.walk(ctx)
	countries, wrong1 := m.countries.stop(ctx)
	cities, wrong2 := m.cities.stop(ctx)
	if err := errors.Join(err, wrong1, wrong2); err != nil {
		return err
	}
	if err := m.cleanUp(ctx); err != nil {
		return err
	}
	return m.check(ctx, countries, cities)
}

// sources are the names of the old tables.
type sources struct{ countries, cities string }

func (m *migration) createTables(ctx context.Context) error {
	var errs [3]error
	m.from.countries, errs[0] = m.tables.Create(ctx, "countries", "code:S")
	m.from.cities, errs[1] = m.tables.Create(ctx, "cities", "id:S")
	m.to, errs[2] = m.tables.Create(ctx, "atlas", "pk:S", "sk:S")
	return errors.Join(errs[:]...)
}

// walk is the migration: three flips, a copy and a verification of each kind.
func (m *migration) walk(ctx context.Context) error {
	if err := m.arrived(ctx, flags.OldOnly); err != nil {
		return err
	}
	if err := m.flip(ctx, flags.ReadOldWriteBoth); err != nil {
		return err
	}
	for _, k := range []interface {
		copy(context.Context) (copied, verified copier.Report, err error)
	}{m.countries, m.cities} {
		copied, verified, err := k.copy(ctx)
		if err := example.Clean(verified, err); err != nil {
			return err
		}
		m.out.Printf("  copied %d items, %d were there already; verified %d records: clean", copied.Applied, copied.AlreadyThere, verified.Read)
	}
	if err := m.flip(ctx, flags.ReadNewWriteBoth); err != nil {
		return err
	}
	for _, k := range []interface {
		verify(context.Context) (copier.Report, error)
	}{m.countries, m.cities} {
		verified, err := k.verify(ctx)
		if err := example.Clean(verified, err); err != nil {
			return err
		}
		m.out.Printf("  verified %d records: clean", verified.Read)
	}
	return m.flip(ctx, flags.NewOnly) // until here, the way back is to flip back
}

func (m *migration) flip(ctx context.Context, to flags.Phase) error {
	if err := m.flag.Flip(ctx, to, m); err != nil {
		return err
	}
	return m.arrived(ctx, to)
}

// Drained waits until both repositories have ended what they began in a phase.
func (m *migration) Drained(ctx context.Context, phase flags.Phase) error {
	return errors.Join(m.countries.records.Drained(ctx, phase), m.cities.records.Drained(ctx, phase))
}

// arrived lets the service work in a phase for a while: single records through the repositories, and a query of its own.
func (m *migration) arrived(ctx context.Context, phase flags.Phase) error {
	if err := errors.Join(m.countries.traffic.Some(), m.cities.traffic.Some()); err != nil {
		return err
	}
	a, err := m.atlas(ctx, country)
	if err != nil {
		return err
	}
	m.out.Printf("%v: %s, %q, has %d cities, it took %d requests to know", phase, country, a.motto, a.cities, a.requests)
	return nil
}

// cleanUp is for the time when every instance of the service works without the wrapper, on the new table.
func (m *migration) cleanUp(ctx context.Context) error {
	o := &copier.FinishOptions{Confirm: copier.NobodyWritesBoth}
	countries, err := copier.Finish(ctx, m.countries.new, o)
	if err := example.Clean(countries, err); err != nil {
		return err
	}
	cities, err := copier.Finish(ctx, m.cities.new, o)
	if err := example.Clean(cities, err); err != nil {
		return err
	}
	m.out.Printf("cleaned up: the metadata of %d countries and %d cities, tombstones among them; the old tables can go", countries.Purged, cities.Purged)
	return nil
}

// check looks at the new table without the SDK.
func (m *migration) check(ctx context.Context, countries map[string]Country, cities map[string]City) error {
	want := wanted(countries, cities)
	if err := example.CompareItems(ctx, m.tables.Client, m.to, func(m item) string { return value(m, "pk") + " " + value(m, "sk") }, want); err != nil {
		return err
	}
	m.out.Printf("checked %d items: %d countries and %d cities in one table, none missing, none back from the dead", len(want), len(countries), len(cities))
	return nil
}
