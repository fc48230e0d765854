package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// placesOf are two open views, whatever the type of their keys.
type placesOf interface {
	copy(ctx context.Context, con *console, o copier.PassOptions, r copier.Resume, pr proof, verify bool) (clean bool, err error)
	verify(ctx context.Context, o copier.PassOptions, r copier.Resume, pr proof, grace time.Duration, repair bool) (copier.Report, error)
	repair(ctx context.Context, o copier.PassOptions, keys iter.Seq2[[]byte, error], p copier.RepairPolicy) (copier.Report, error)
	finish(ctx context.Context, o copier.PassOptions, r copier.Resume, allowEmpty bool) (copier.Report, error)
}

// document is a value as it is stored.
type document []byte

type places[K any] struct {
	old, new stores.Store[K, document]
	equal    func(a, b document) bool
}

func (p *places[K]) copy(ctx context.Context, con *console, o copier.PassOptions, r copier.Resume, pr proof, verify bool) (bool, error) {
	if !verify {
		report, err := copier.Copy(ctx, p.old, p.new, &copier.CopyOptions[document]{
			PassOptions: o, Resume: r, Equal: p.equal, MirroringSince: pr.MirroringSince, AllowEmpty: pr.AllowEmpty})
		return report.Clean(), con.report(report, err)
	}
	both := &copier.CopyAndVerifyOptions[document]{
		PassOptions: o, Resume: r, Equal: p.equal, MirroringSince: pr.MirroringSince, AllowEmpty: pr.AllowEmpty}
	copied, verified, err := copier.CopyAndVerify(ctx, p.old, p.new, both)
	if verified.Run == "" {
		return false, con.report(copied, err)
	}
	con.show(copied, nil)
	return verified.Clean() && len(copied.Found) == 0, con.report(verified, err)
}

func (p *places[K]) verify(ctx context.Context, o copier.PassOptions, r copier.Resume, pr proof, grace time.Duration, repair bool) (copier.Report, error) {
	vo := &copier.VerifyOptions[document]{
		PassOptions: o, Resume: r, Grace: grace, Equal: p.equal, MirroringSince: pr.MirroringSince, AllowEmpty: pr.AllowEmpty}
	if repair {
		vo.Repair = &copier.RepairPolicy{}
	}
	return copier.Verify(ctx, p.old, p.new, vo)
}

func (p *places[K]) repair(ctx context.Context, o copier.PassOptions, keys iter.Seq2[[]byte, error], pol copier.RepairPolicy) (copier.Report, error) {
	return copier.Repair(ctx, p.old, p.new, keys, &copier.RepairOptions[document]{PassOptions: o, RepairPolicy: pol, Equal: p.equal})
}

func (p *places[K]) finish(ctx context.Context, o copier.PassOptions, r copier.Resume, allowEmpty bool) (copier.Report, error) {
	return copier.Finish(ctx, p.old, &copier.FinishOptions{PassOptions: o, Resume: r, AllowEmpty: allowEmpty, Confirm: copier.NobodyWritesBoth})
}

// job names what is worked on, for the checkpoint.
func (t *two) job() string { return t.Old + " to " + t.New }

// open opens the files for the time of do. newToo says that the new place has to be there already.
func (t *two) open(newToo bool, do func(placesOf) error) (err error) {
	files := make(openFiles)
	defer func() { err = errors.Join(err, files.close()) }()
	old, oldView, err := files.open("old", t.Old, true)
	if err != nil {
		return err
	}
	db, view := old, oldView
	if t.New != "" {
		if db, view, err = files.open("new", t.New, newToo); err != nil {
			return err
		}
		if db == old && view == oldView {
			return usagef("--old and --new are one and the same view, %s", t.Old)
		}
	}
	var p placesOf
	switch t.Keys {
	case "int64":
		p, err = openPlaces(old, oldView, db, view, stores.Int64Keys[int64](), t.Values)
	case "bytes":
		p, err = openPlaces(old, oldView, db, view, stores.BytesKeys[[]byte](), t.Values)
	default:
		p, err = openPlaces(old, oldView, db, view, stores.StringKeys[string](), t.Values)
	}
	if err != nil {
		return err
	}
	return do(p)
}

func openPlaces[K any](old *boltstore.DB, oldView string, db *boltstore.DB, view string, keys stores.KeyCodec[K], values string) (placesOf, error) {
	codec := &boltstore.ViewOptions[document]{
		Encode: func(dst []byte, v document) ([]byte, error) { return append(dst, v...), nil },
		Decode: func(b []byte) (document, error) {
			if values == "json" && !json.Valid(b) {
				return nil, errors.New("the value is no JSON (--values bytes carries it as it is)")
			}
			return b, nil
		},
	}
	a, err := boltstore.View(old, oldView, keys, codec)
	if err != nil {
		return nil, err
	}
	b, err := boltstore.View(db, view, keys, codec)
	if err != nil {
		return nil, err
	}
	p := &places[K]{old: a, new: b, equal: sameJSON}
	if values != "json" {
		p.equal = func(a, b document) bool { return bytes.Equal(a, b) }
	}
	return p, nil
}

// sameJSON compares documents as JSON does: the order of fields and the spelling of a number do not count, its value
// does, exactly.
func sameJSON(a, b document) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && stores.DeepEqual(x, y)
}

func parse(d document) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(d))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// openFiles are the files by their full path: two views of one file are opened once.
type openFiles map[string]*boltstore.DB

// open opens FILE:VIEW. With there it has to exist: opening would make it, and an empty place is no input.
func (f openFiles) open(flag, arg string, there bool) (*boltstore.DB, string, error) {
	i := strings.LastIndexByte(arg, ':')
	if i < 1 || i == len(arg)-1 {
		return nil, "", usagef("%s place %q: want FILE:VIEW, as users.bolt:users", flag, arg)
	}
	path, view := arg[:i], arg[i+1:]
	if _, err := os.Stat(path); there && errors.Is(err, fs.ErrNotExist) {
		return nil, "", usagef("%s place: there is no file %s", flag, path)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	if f[full] == nil {
		db, err := boltstore.Open(path, nil)
		if err != nil {
			return nil, "", fmt.Errorf("%s place: %w", flag, err)
		}
		f[full] = db
	}
	if there {
		views, err := f[full].Views()
		if err != nil {
			return nil, "", err
		}
		if !slices.Contains(views, view) {
			return nil, "", usagef("%s place: %s has no view %q; it has %q", flag, path, view, views)
		}
	}
	return f[full], view, nil
}

func (f openFiles) close() error {
	var errs []error
	for _, db := range f {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
