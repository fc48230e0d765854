package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// migration is one run: the service, its traffic, and what is done to it.
type migration[V any] struct {
	cfg     *config
	dir     string
	shape   *shape[V]
	records []record
	// imported are the records by id.
	imported map[string]*record
	screen   *screen
	rng      *rand.Rand

	old, new place[V]
	// plant puts something between the SDK and the places; the checker always reads the places.
	plant faults[V]
	// sdkOld and sdkNew are what the copier works on, over connections of its own.
	sdkOld, sdkNew stores.Store[string, V]
	own            clients
	probe          *probe // nil if no place is in a database that can go away
	instances      []*instance[V]
	load           *load[V]
	gates          gates

	passes   []copier.Report
	flips    []flip
	quiet    *observation // what new held in the pause in read-new/write-both
	diverged []string     // the keys that were different then
	result   result

	lastStatus time.Time
	lastEnded  int64
}

// faults puts something between the SDK and the places. Only tests do.
type faults[V any] func(place string, s stores.Store[string, V]) stores.Store[string, V]

// run migrates the records and returns what the checker found. An error is something that kept it from being found out.
func run[V any](ctx context.Context, cfg *config, dir string, sh *shape[V], records []record, s *screen, plant faults[V]) (*report, error) {
	m := &migration[V]{cfg: cfg, dir: dir, shape: sh, records: records, screen: s, rng: rand.New(rand.NewPCG(cfg.seed, 0)), plant: plant}
	began := time.Now()
	m.imported = make(map[string]*record, len(records))
	for i := range records {
		m.imported[records[i].id] = &records[i]
	}
	m.old, m.new = newPlaces(cfg, dir, sh)
	rep, err := m.all(ctx)
	keep := cfg.dir != "" || ctx.Err() == nil && (rep == nil || rep.Result == resultFailed)
	if err = errors.Join(err, m.leave(keep), m.old.close(), m.new.close()); err != nil {
		return nil, err
	}
	rep.Seconds = time.Since(began).Seconds()
	return rep, nil
}

// all is the run from the empty places to the verdict.
func (m *migration[V]) all(ctx context.Context) (rep *report, err error) {
	if err := m.prepare(ctx); err != nil {
		return nil, errors.Join(err, m.leave(false))
	}
	if err := errors.Join(m.old.open(ctx), m.new.open(ctx)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.own.close(context.WithoutCancel(ctx))) }()
	if m.sdkOld, m.sdkNew, err = m.stores(ctx, &m.own); err != nil {
		return nil, err
	}
	if err := m.watchDatabase(ctx); err != nil {
		return nil, err
	}
	defer m.probe.stop()
	return m.migrate(ctx)
}

// prepare makes the places: nobody's data is in the new one, and the old one has the records.
func (m *migration[V]) prepare(ctx context.Context) error {
	for _, p := range []place[V]{m.old, m.new} {
		if err := p.claim(ctx); err != nil {
			return err
		}
	}
	return m.importRecords(ctx)
}

// stores are both places for one user of the SDK, over connections of its own.
func (m *migration[V]) stores(ctx context.Context, own *clients) (old, new stores.Store[string, V], err error) {
	if old, err = m.old.store(ctx, own); err != nil {
		return nil, nil, err
	}
	if new, err = m.new.store(ctx, own); err != nil {
		return nil, nil, err
	}
	if m.plant != nil {
		old, new = m.plant("old", old), m.plant("new", new)
	}
	return old, new, nil
}

// leave cleans up what the run has made, and says what is left.
func (m *migration[V]) leave(keep bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, p := range []place[V]{m.old, m.new} {
		left, err := p.leave(ctx, keep)
		if left != "" {
			m.screen.say("what was written to %s is left there", left)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (m *migration[V]) importRecords(ctx context.Context) error {
	step := m.screen.begin("import", int64(len(m.records)))
	defer step.end()
	total := int64(len(m.records))
	if err := m.old.fill(ctx, m.records, func(n int) { step.at(int64(n), total, 0, 0) }); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	m.screen.say("%s records imported into %v as a service left them that never knew the SDK", grouped(total), m.old)
	m.screen.say("%s: %s", m.shape.name, m.shape.change)
	return nil
}

// migrate walks through the phases under traffic, and has everything judged.
func (m *migration[V]) migrate(ctx context.Context) (*report, error) {
	if err := m.startService(ctx); err != nil {
		return nil, errors.Join(err, m.stopService())
	}
	keys := newKeyspace(m.records, m.rng)
	m.load = startLoad(m.shape, keys, m.instances, m.cfg)
	m.screen.say("traffic: %s writes/s and %s reads/s to %d instances, a fifth of them on %d keys that all instances share",
		grouped(int64(m.cfg.writes)), grouped(int64(m.cfg.reads)), len(m.instances), len(keys.hot))

	m.lastStatus = time.Now()
	walked := m.walk(ctx)
	if walked != nil && !cancelled(walked) {
		m.screen.say("the walk has ended early: %v", walked)
	}
	m.screen.say("traffic ends; waiting for the last answers")
	events := m.load.stop()
	var states []dualwrite.Status
	for _, i := range m.instances {
		states = append(states, i.records.Status())
	}
	if err := m.stopService(); err != nil {
		return nil, err
	}
	return m.conclude(ctx, walked, events, keys, states)
}

// startService writes the flag and starts the instances, each with a clock of its own.
func (m *migration[V]) startService(ctx context.Context) error {
	m.gates.phase = flags.OldOnly
	if err := flagfile.Write(operatorFile(m.dir), flagKey, flags.OldOnly.String()); err != nil {
		return err
	}
	var clocks []string
	for i := range m.cfg.instances {
		if err := flagfile.Write(instanceFile(m.dir, i), flagKey, flags.OldOnly.String()); err != nil {
			return err
		}
		skew := m.cfg.pace.skew * time.Duration(m.rng.IntN(201)-100) / 100
		clock, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return time.Now().Add(skew) }})
		if err != nil {
			return err
		}
		// The folder makes the OpenFeature domain unique in this process.
		name := fmt.Sprintf("instance-%d of %s", i+1, m.dir)
		inst, err := startInstance(ctx, name, instanceFile(m.dir, i), clock, m.stores)
		if err != nil {
			return err
		}
		m.instances = append(m.instances, inst)
		clocks = append(clocks, fmt.Sprintf("%+d ms", skew.Milliseconds()))
	}
	m.screen.say("%d instances started in %v; their clocks are off by %s", len(m.instances), flags.OldOnly, strings.Join(clocks, ", "))
	return nil
}

// stopTimeout is how long an instance may take to end.
const stopTimeout = 30 * time.Second

func (m *migration[V]) stopService() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, i := range m.instances {
		errs = append(errs, i.stop(ctx))
	}
	return errors.Join(errs...)
}
