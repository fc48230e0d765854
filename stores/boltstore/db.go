package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dualwrite/dualwrite/stores"
)

// Options of [Open]. The zero value is right for production.
type Options struct {
	// NoSync leaves out the fsync of each commit. A killed process then still loses nothing, a crashed machine may lose
	// or damage the whole file: for tests and for loads that can be repeated. Close syncs once. Default false.
	NoSync bool
	// LockTimeout is how long Open waits for another holder of the file. Default (0) one second; not negative.
	LockTimeout time.Duration
	// FileMode is the permission of a file that Open makes. Default (0) 0o600.
	FileMode fs.FileMode

	openFile func(string, int, os.FileMode) (*os.File, error) // replaced by tests that need a failing disk
}

func (o *Options) withDefaults(path string) (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = time.Second
	}
	if opts.FileMode == 0 {
		opts.FileMode = 0o600
	}
	var errs []error
	if path == "" {
		errs = append(errs, errors.New("a path is needed"))
	}
	if opts.LockTimeout < 0 {
		errs = append(errs, fmt.Errorf("LockTimeout is %v, less than nothing", opts.LockTimeout))
	}
	if opts.FileMode&^fs.ModePerm != 0 || opts.FileMode&0o600 != 0o600 {
		errs = append(errs, fmt.Errorf("FileMode %v: want permission bits that let the owner read and write", opts.FileMode))
	}
	return opts, errors.Join(errs...)
}

// DB is an open file. It is safe for concurrent use.
type DB struct {
	bolt    *bbolt.DB
	path    string
	file    fs.FileInfo // the file that was opened
	noSync  bool
	writes  queue
	once    sync.Once
	closing error
}

// Open opens the file at path, or makes it. An empty file is taken as a new one; any other file that this package did
// not make is refused and not changed. Errors: [ErrLocked], [ErrForeign], [ErrNewer], and those of the file system.
func Open(path string, o *Options) (*DB, error) {
	opts, err := o.withDefaults(path)
	if err != nil {
		return nil, fmt.Errorf("boltstore: open: %w", err)
	}
	bolt, err := openFile(path, opts)
	if err != nil {
		return nil, fmt.Errorf("boltstore: open %s: %w", path, err)
	}
	d := &DB{bolt: bolt, path: path, noSync: opts.NoSync}
	if d.path, err = filepath.Abs(path); err == nil {
		d.file, err = os.Stat(d.path)
	}
	if err != nil {
		return nil, fmt.Errorf("boltstore: open %s: %w", path, errors.Join(err, bolt.Close()))
	}
	d.writes.init(d.commit)
	return d, nil
}

// Close waits for the writes that were accepted before it and closes the file. Later calls of the DB and its views
// answer stores.ErrClosed; closing again gives the first answer again.
func (d *DB) Close() error {
	d.once.Do(func() {
		d.writes.close()
		var errs []error
		if d.noSync {
			errs = append(errs, d.bolt.Sync())
		}
		d.closing = errors.Join(append(errs, d.bolt.Close())...)
	})
	return d.closing
}

// sameFile finds out that the file was replaced or removed: what is read and written then is one that nobody will find again.
func (d *DB) sameFile() error {
	now, err := os.Stat(d.path)
	if err == nil && !os.SameFile(d.file, now) {
		err = errors.New("it is another file now")
	}
	if err != nil {
		return stores.Permanent(fmt.Errorf("boltstore: %s was replaced or removed while it was open: %w: close it and open it again", d.path, err))
	}
	return nil
}

// Views are the names of the views that the file has, in bytewise order.
func (d *DB) Views() ([]string, error) {
	var names []string
	err := d.view(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if !reserved(string(name)) {
				names = append(names, string(name))
			}
			return nil
		})
	})
	return names, err
}

// view runs fn in a read transaction. No code of the caller may run in fn: it could call the store, and a second
// transaction of one goroutine deadlocks when the file grows between the two.
func (d *DB) view(fn func(*bbolt.Tx) error) error {
	err := d.bolt.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return fmt.Errorf("boltstore: %w", stores.ErrClosed)
	}
	return err
}
