package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A file of this package has a bucket that says so. Every other top-level bucket is a view, named as the view is; its
// sequence number is the number of its records.
const (
	reservedPrefix = "_dualwrite"
	magic          = "dualwrite/boltstore"
	formatVersion  = 1
)

var (
	markerBucket = []byte(reservedPrefix)
	magicKey     = []byte("magic")
	formatKey    = []byte("format")
)

func reserved(name string) bool { return strings.HasPrefix(name, reservedPrefix) }

// openFile looks at a file without writing to it before it opens it for good: bbolt may rewrite the free list of a file
// that it opens for writing, and a file of somebody else has to stay as it is.
func openFile(path string, opts Options) (*bbolt.DB, error) {
	deadline := time.Now().Add(opts.LockTimeout)
	fresh, err := inspect(path, opts, deadline)
	if err != nil {
		return nil, err
	}
	bolt, err := openBolt(path, opts, deadline, false)
	if err != nil {
		return nil, err
	}
	err = mark(bolt)
	if err == nil && fresh && !opts.NoSync {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return bolt, nil
}

// inspect refuses a file that is not ours. It tells whether there is none yet.
func inspect(path string, opts Options, deadline time.Time) (fresh bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w (it is no regular file)", ErrForeign)
	case info.Size() == 0:
		return true, nil
	}
	bolt, err := openBolt(path, opts, deadline, true)
	if err != nil {
		return false, err
	}
	err = guard(func() error { return bolt.View(func(tx *bbolt.Tx) error { return checkFile(path, tx) }) })
	return false, errors.Join(err, bolt.Close())
}

func checkFile(path string, tx *bbolt.Tx) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return fmt.Errorf("%w (it was cut off: %d of %d bytes are there)", ErrForeign, info.Size(), tx.Size())
	}
	_, err = checkMarker(tx)
	return err
}

// checkMarker tells whether the file is ours or, without any bucket, nobody's yet: that is what a process leaves behind
// that is killed while it makes the file.
func checkMarker(tx *bbolt.Tx) (empty bool, err error) {
	b := tx.Bucket(markerBucket)
	if b == nil {
		if name, _ := tx.Cursor().First(); name == nil {
			return true, nil
		}
		return false, fmt.Errorf("%w (it is the bolt file of another program)", ErrForeign)
	}
	if !bytes.Equal(b.Get(magicKey), []byte(magic)) {
		return false, fmt.Errorf("%w (its marker is not ours)", ErrForeign)
	}
	format, err := strconv.Atoi(string(b.Get(formatKey)))
	if err != nil || format < 1 {
		return false, fmt.Errorf("%w (its format version is %q)", ErrForeign, b.Get(formatKey))
	}
	if format > formatVersion {
		return false, fmt.Errorf("%w (format %d; this program knows up to %d)", ErrNewer, format, formatVersion)
	}
	return false, nil
}

// mark makes an empty file ours. It checks again: the file may have changed since it was inspected.
func mark(bolt *bbolt.DB) error {
	empty := false
	err := bolt.View(func(tx *bbolt.Tx) (err error) {
		empty, err = checkMarker(tx)
		return err
	})
	if err != nil || !empty {
		return err
	}
	return bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(markerBucket)
		if err != nil {
			return err
		}
		return errors.Join(b.Put(magicKey, []byte(magic)), b.Put(formatKey, []byte(strconv.Itoa(formatVersion))))
	})
}

func openBolt(path string, opts Options, deadline time.Time, readOnly bool) (bolt *bbolt.DB, err error) {
	err = guard(func() (err error) {
		bolt, err = bbolt.Open(path, opts.FileMode, &bbolt.Options{
			Timeout:      max(time.Until(deadline), time.Millisecond), // none would be for ever
			ReadOnly:     readOnly,
			NoSync:       opts.NoSync,
			NoStatistics: true,
			FreelistType: bbolt.FreelistMapType,
			OpenFile:     opts.openFile,
		})
		return err
	})
	var system *fs.PathError
	var errno syscall.Errno
	switch {
	case err == nil:
		return bolt, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w (waited %v)", ErrLocked, opts.LockTimeout)
	case errors.As(err, &system), errors.As(err, &errno), errors.Is(err, ErrForeign):
		return nil, err
	default:
		return nil, fmt.Errorf("%w (%w)", ErrForeign, err)
	}
}

// guard turns what a broken file does to bbolt, a panic or a fault in the mapped memory, into an error.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v)", ErrForeign, p)
		}
	}()
	return fn()
}

// syncDir makes the name of a new file as durable as its content. Windows has no such call and does not need it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
