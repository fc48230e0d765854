package main

import (
	"context"
	"time"

	"github.com/dualwrite/dualwrite/copier"
)

// two are the places of most commands.
type two struct {
	Old    string `required:"" placeholder:"FILE:VIEW" help:"The old place; it has to exist."`
	New    string `required:"" placeholder:"FILE:VIEW" help:"The new place."`
	Keys   string `default:"string" enum:"string,int64,bytes" help:"Type of the keys: ${enum}."`
	Values string `default:"json" enum:"json,bytes" help:"Kind of the values: ${enum}. What is no JSON is a finding."`
}

// pace is how a pass goes.
type pace struct {
	Workers       int           `default:"4" help:"Segments worked on at the same time."`
	Batch         int           `default:"500" help:"Records read and written together."`
	MaxRejected   int           `default:"100" help:"End when that many records were refused for good, and fewer got through. -1: never."`
	Rate          float64       `placeholder:"N" help:"Records per second at most, of all workers together. 0: no limit."`
	Findings      string        `placeholder:"FILE" help:"Write every finding to this file, one JSON object a line."`
	JSON          bool          `name:"json" help:"Print progress and report to standard output as JSON, one object a line."`
	ProgressEvery time.Duration `default:"1s" help:"Time between two lines of progress."`
}

// resume is how a pass is interrupted and goes on.
type resume struct {
	Checkpoint      string        `placeholder:"FILE" help:"Keep how far the pass is in this file, and go on from there."`
	Restart         bool          `help:"Begin a new pass whatever the checkpoint says."`
	ResumeWithin    time.Duration `placeholder:"24h" help:"Maximum age of a checkpoint that may be resumed. Default 24h."`
	CheckpointEvery time.Duration `placeholder:"1s" help:"Least time between two saves of the checkpoint. Default 1s."`
}

// proof is what only the caller knows.
type proof struct {
	MirroringSince time.Time `placeholder:"TIME" help:"Nobody has written to old alone since then (RFC 3339). Without it the result of a pass that was resumed is not clean."`
	AllowEmpty     bool      `help:"The places may be empty. Without it a pass that has read nothing is not clean."`
}

type copyCmd struct {
	two
	pace
	resume
	proof
	Verify bool `default:"true" negatable:"" help:"Verify and repair after the copy."`
}

func (c *copyCmd) run(ctx context.Context, con *console) (bool, error) {
	var clean bool
	err := c.open(false, func(p placesOf) error {
		return con.work(c.pace, c.resume, c.job(), func(o copier.PassOptions, r copier.Resume) (err error) {
			clean, err = p.copy(ctx, con, o, r, c.proof, c.Verify)
			return err
		})
	})
	return clean, err
}

type verifyCmd struct {
	two
	pace
	resume
	proof
	Grace  time.Duration `default:"1s" help:"How long a difference is given to go away."`
	Repair bool          `help:"Repair what may be repaired at any time: what new is behind with."`
}

func (c *verifyCmd) run(ctx context.Context, con *console) (bool, error) {
	var clean bool
	err := c.open(true, func(p placesOf) error {
		return con.work(c.pace, c.resume, c.job(), func(o copier.PassOptions, r copier.Resume) error {
			report, err := p.verify(ctx, o, r, c.proof, c.Grace, c.Repair)
			clean = report.Clean()
			return con.report(report, err)
		})
	})
	return clean, err
}

type repairCmd struct {
	two
	pace
	File        string `arg:"" help:"A findings file, as --findings of another command wrote it; - for standard input."`
	OldWritable bool   `help:"No instance can be in old-only or read-old/write-both any more: old may be written too."`
	Winner      string `default:"nobody" enum:"nobody,old,new" help:"Whose record survives where the versions do not tell: ${enum}."`
}

func (c *repairCmd) run(ctx context.Context, con *console) (bool, error) {
	policy := copier.RepairPolicy{
		OldWritable: c.OldWritable,
		Winner:      map[string]copier.Winner{"nobody": copier.Nobody, "old": copier.OldWins, "new": copier.NewWins}[c.Winner],
	}
	if policy.Winner == copier.NewWins && !c.OldWritable {
		return false, usagef("--winner new writes the old place, and needs --old-writable")
	}
	if c.File == c.Findings {
		return false, usagef("%s can not be read and written at once: name another file for --findings", c.File)
	}
	var clean bool
	err := c.open(true, func(p placesOf) error {
		keys, done, err := readFindings(c.File)
		if err != nil {
			return err
		}
		defer done()
		return con.work(c.pace, resume{}, "", func(o copier.PassOptions, _ copier.Resume) error {
			r, err := p.repair(ctx, o, keys, policy)
			clean = r.Clean()
			return con.report(r, err)
		})
	})
	return clean, err
}

type finishCmd struct {
	Store   string `required:"" placeholder:"FILE:VIEW" help:"The place to finish; it has to exist."`
	Keys    string `default:"string" enum:"string,int64,bytes" help:"Type of the keys: ${enum}."`
	Values  string `default:"json" enum:"json,bytes" help:"Kind of the values: ${enum}."`
	Confirm string `placeholder:"WORD" help:"Has to be nobody-writes-both: no instance is in a dual phase any more, and no copy is running."`
	pace
	resume
	AllowEmpty bool `help:"The place may be empty. Without it a pass that has read nothing is not clean."`
}

func (c *finishCmd) run(ctx context.Context, con *console) (bool, error) {
	if c.Confirm != string(copier.NobodyWritesBoth) {
		return false, usagef("finish removes what protects from lost updates: say --confirm %s when no instance writes both places any more",
			copier.NobodyWritesBoth)
	}
	var clean bool
	one := two{Old: c.Store, Keys: c.Keys, Values: c.Values}
	err := one.open(true, func(p placesOf) error {
		return con.work(c.pace, c.resume, c.Store, func(o copier.PassOptions, r copier.Resume) error {
			report, err := p.finish(ctx, o, r, c.AllowEmpty)
			clean = report.Clean()
			return con.report(report, err)
		})
	})
	return clean, err
}
