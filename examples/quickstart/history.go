package main

import (
	"slices"
	"time"
)

// kind is what a client asked for.
type kind uint8

const (
	opRead kind = iota
	opCreate
	opPut
	opUpdate
	opPutIf
	opDelete
	kinds // how many there are
)

var kindNames = [kinds]string{"read", "create", "put", "update", "put if", "delete"}

func (k kind) String() string { return kindNames[k] }

// answer is what the client was told.
type answer uint8

const (
	done answer = iota
	notFound
	exists
	wrongVersion
	unknown // the operation may have been applied, or may still be
	failed  // an error that no client has to expect
)

var answerNames = [...]string{"done", "not found", "exists", "wrong version", "outcome unknown", "failed"}

func (a answer) String() string { return answerNames[a] }

// event is one operation as its client saw it. Contents are texts (see shape); "" is no record.
type event struct {
	key    string
	kind   kind
	answer answer
	// call and ret are when it began and ended, since the start of the run, by the monotonic clock. arrived is when it
	// was due, before it waited for a free client.
	arrived, call, ret time.Duration
	// saw is what a read answered, what an update was given last, or the content that a put-if was based on.
	saw string
	// wrote is what a write stored, if it did.
	wrote string
	// number is that of the write, which shape.edit and shape.fresh were given.
	number int64
	// moved tells that a put-if was refused although the content was still the one it was based on: only the version
	// had moved, as it may when a mirror is given a higher stamp.
	moved bool
	// err is the error of an answer that is failed or unknown.
	err error
	// final marks an observation that the checker made itself, while nothing was running.
	final bool
}

// history is the checker's own record: every operation, by key.
type history map[string][]event

// add puts events under their keys.
func (h history) add(events ...event) {
	for _, e := range events {
		h[e.key] = append(h[e.key], e)
	}
}

// latencies are how long operations took, and how often.
type latencies struct {
	Count int   `json:"count"`
	P50us int64 `json:"p50_us"`
	P99us int64 `json:"p99_us"`
	MaxUs int64 `json:"max_us"`
}

func latenciesOf(events []event, include func(e *event) bool) latencies {
	var took []time.Duration
	for i := range events {
		if include(&events[i]) {
			took = append(took, events[i].ret-events[i].call)
		}
	}
	if len(took) == 0 {
		return latencies{}
	}
	slices.Sort(took)
	at := func(share float64) int64 { return took[int(share*float64(len(took)-1))].Microseconds() }
	return latencies{Count: len(took), P50us: at(0.5), P99us: at(0.99), MaxUs: at(1)}
}
