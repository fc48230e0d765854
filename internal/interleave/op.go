package interleave

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// Kind is what an operation does.
type Kind string

// The kinds of operations. Every write has a content of its own, so that a value tells which writes it is made of:
// an update appends to what is there.
const (
	Get    Kind = "get"
	Put    Kind = "put"
	Create Kind = "create"
	Update Kind = "update"
	Upsert Kind = "upsert"
	Delete Kind = "delete"
	// PutIf and DeleteIf require the version that the actor's last Get answered; before any, that of the start state.
	PutIf    Kind = "putIf"
	DeleteIf Kind = "deleteIf"
	// Refuse is an update whose function answers an error: an outcome that writes nothing, but tells what it saw.
	Refuse Kind = "refuse"
	// PutBad and UpdateBad write what new refuses permanently.
	PutBad    Kind = "put!"
	UpdateBad Kind = "update!"
	// GetMany and Scan are reads that go other ways through the code.
	GetMany Kind = "getMany"
	Scan    Kind = "scan"
	// Nothing leaves the record alone.
	Nothing Kind = "nothing"
	// Copy and Repair are helpers: they work on the places, not through a repository. RepairBoth may write old, which is
	// allowed only where neither old-only nor read-old/write-both is in the window.
	Copy       Kind = "copy"
	Repair     Kind = "repair"
	RepairBoth Kind = "repair both"
	// RepairNew is RepairBoth where new wins, also over what it refuses.
	RepairNew Kind = "repair, new wins"
	// Verify only looks. VerifyRepair repairs what differs, VerifyBoth also in old.
	Verify       Kind = "verify"
	VerifyRepair Kind = "verify and repair"
	VerifyBoth   Kind = "verify and repair both"
)

// helper tells the kinds that no caller of a repository asks for.
func (k Kind) helper() bool { return helpers[k] != nil }

// reads tells the kinds that can have no effect.
func (k Kind) reads() bool { return k.looks() || k == Refuse || k == Nothing || k.helper() }

// looks tells the kinds that answer what the record is.
func (k Kind) looks() bool { return k == Get || k == GetMany || k == Scan }

// class is how an operation ended, as far as the judges care.
type class string

const (
	classOK       class = "ok"
	classNotFound class = "not found"
	classExists   class = "exists"
	classVersion  class = "other version"
	classSeen     class = "refused" // by the function of a Refuse
	classUnknown  class = "unknown" // may have had an effect, or may still have it
	classNothing  class = "no effect"
)

// outcome is what an operation answered.
type outcome struct {
	class   class
	value   string
	version stores.Version
	err     error
}

// op is one operation in one schedule.
type op struct {
	kind Kind
	id   string // unique; the content of a write
	// want is the version that a PutIf or DeleteIf requires.
	want stores.Version

	begun, ended bool
	out          outcome

	// stored: a place took the write while the operation was under way; decided: the one that decides did.
	stored, decided bool

	// first and last are the steps of the first and the last store call, from 1; zero if there was none.
	first, last int
	// after has a bit for each operation that had ended when the first call was made.
	after uint64
}

func (o *op) finish(out outcome) { o.out, o.ended = out, true }

// errSeen is what the function of a Refuse answers.
var errSeen = errors.New("the caller's function refuses")

// do carries the operation out, in the actor's goroutine.
func (o *op) do(a *actor) (out outcome) {
	ctx := a.ctx
	if help := helpers[o.kind]; help != nil {
		clean, err := help(ctx, a.places())
		a.clean = clean && err == nil
		return helped(err)
	}
	switch o.kind {
	case Nothing:
	case Get:
		out.value, out.version, out.err = a.repo.GetVersion(ctx, key)
	case GetMany:
		out.value, out.version, out.err = getMany(ctx, a.repo)
	case Scan:
		out.value, out.version, out.err = scan(ctx, a.repo)
	case Refuse:
		_, out.err = a.repo.Update(ctx, key, func(v *string) error {
			out.value = *v
			return errSeen
		})
	default:
		out.value = o.id
		out.version, out.err = o.write(ctx, a, &out.value)
	}
	out.class = classOf(out.err)
	return out
}

func getMany(ctx context.Context, r *repository) (string, stores.Version, error) {
	res, err := r.GetMany(ctx, []string{key})
	if len(res) == 0 {
		return "", stores.Unknown, err
	}
	return res[0].Value, res[0].Version, res[0].Err
}

func scan(ctx context.Context, r *repository) (value string, v stores.Version, err error) {
	err = dualwrite.ErrNotFound
	for item, e := range r.Scan(ctx) {
		if e == nil && err == nil {
			return value, v, errTwice
		}
		if value, v, err = item.Value, item.Version, e; e != nil {
			return value, v, e
		}
	}
	return value, v, err
}

// errTwice: a scan yields a record more than once.
var errTwice = errors.New("a scan yields the same record twice")

// write carries out a write. value becomes what it made of the record.
func (o *op) write(ctx context.Context, a *actor, value *string) (stores.Version, error) {
	switch o.kind.plain() {
	case Put:
		return a.repo.Put(ctx, key, o.id)
	case Create:
		return a.repo.Create(ctx, key, o.id)
	case Update:
		return a.repo.Update(ctx, key, func(v *string) error {
			*v += "+" + o.id
			*value = *v
			return nil
		})
	case Upsert:
		return a.repo.Upsert(ctx, key, func(v *string, exists bool) error {
			if exists {
				*v += "+"
			}
			*v += o.id
			*value = *v
			return nil
		})
	case PutIf:
		o.want = a.lastRead()
		return a.repo.PutIf(ctx, key, o.id, o.want)
	case DeleteIf:
		o.want = a.lastRead()
		return stores.Unknown, a.repo.DeleteIf(ctx, key, o.want)
	case Delete:
		return stores.Unknown, a.repo.Delete(ctx, key)
	default:
		return stores.Unknown, fmt.Errorf("no such operation: %q", o.kind)
	}
}

// lastRead is the version that the actor read last, or that the record had at the start.
func (a *actor) lastRead() stores.Version {
	v := a.run.initial.version
	for _, o := range a.ops {
		if o.ended && o.kind.looks() && o.out.class == classOK {
			v = o.out.version
		}
	}
	return v
}

// classOf says what an error of a repository means for the record.
func classOf(err error) class {
	switch {
	case err == nil:
		return classOK
	case errors.Is(err, errSeen):
		return classSeen
	case errors.Is(err, dualwrite.ErrIndeterminate):
		return classUnknown
	case errors.Is(err, dualwrite.ErrNotFound):
		return classNotFound
	case errors.Is(err, dualwrite.ErrExists):
		return classExists
	case errors.Is(err, dualwrite.ErrVersion):
		return classVersion
	default:
		return classNothing
	}
}

func helped(err error) outcome {
	if err != nil {
		return outcome{class: classNothing, err: err}
	}
	return outcome{class: classOK}
}
