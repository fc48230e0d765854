package dualwrite

import (
	"context"
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// code is what an error means to clients of the service.
type code struct {
	err  error
	http int
	grpc uint32
}

// codes is the meaning of every error of a repository, by errors.Is: the first that matches counts. What may have had an
// effect comes first, and what says that trying again is safe comes before the errors of a context, which may be there too.
var codes = []code{
	{ErrMirrorMissed, 200, 0},   // OK: it is committed
	{ErrIndeterminate, 500, 2},  // UNKNOWN. No 503 or 504: clients and proxies repeat those by themselves
	{ErrBlocked, 503, 9},        // FAILED_PRECONDITION: no repetition helps
	{ErrNotFound, 404, 5},       // NOT_FOUND
	{ErrExists, 409, 6},         // ALREADY_EXISTS
	{ErrVersion, 412, 10},       // ABORTED: read the record again
	{ErrInTransaction, 500, 13}, // INTERNAL: a mistake of the service, not of its client
	{ErrPermanent, 422, 3},      // INVALID_ARGUMENT
	{ErrConflict, 503, 14},      // UNAVAILABLE: the same call may be made again
	{ErrTransient, 503, 14},
	{ErrPhaseUnknown, 503, 14},
	{ErrPhaseChanged, 503, 14},
	{ErrClosed, 503, 14},
	{context.DeadlineExceeded, 504, 4}, // DEADLINE_EXCEEDED
	{context.Canceled, 499, 1},         // CANCELLED; 499 is what servers log when the client is gone
}

// codeOf finds the meaning of an error that is not nil.
func codeOf(err error) code {
	internal := code{http: 500, grpc: 13} // INTERNAL
	for _, c := range codes {
		var undecodable *stores.RecordError // what is stored is damaged, not what a client has sent
		switch {
		case !errors.Is(err, c.err):
		case errors.Is(c.err, ErrPermanent) && errors.As(err, &undecodable):
			return internal
		default:
			return c
		}
	}
	return internal
}

// HTTPStatus is the HTTP status that a service answers for an error of a repository; 200 for nil. Look for errors of your
// own first: those of the function that you gave to Update come back as they are.
//
//	404 ErrNotFound    409 ErrExists    412 ErrVersion
//	422 ErrPermanent: the client has sent what can not be stored
//	500 ErrIndeterminate, and whatever a store, a codec or a function of yours answers that has no identity of this package
//	503 ErrBlocked; and ErrConflict, ErrTransient, ErrPhaseUnknown, ErrClosed, which are worth another try
//	504 context.DeadlineExceeded, 499 context.Canceled
//
// ErrMirrorMissed is 200, as the write is committed. ErrIndeterminate is 500 and not 504, because clients repeat that by
// themselves.
func HTTPStatus(err error) int {
	if err == nil {
		return 200
	}
	return codeOf(err).http
}

// GRPCCode is [HTTPStatus] for a gRPC service: the number of a code of google.golang.org/grpc/codes, 0 (OK) for nil.
// UNAVAILABLE is worth another try; ErrBlocked is FAILED_PRECONDITION, ErrVersion ABORTED and ErrIndeterminate UNKNOWN.
func GRPCCode(err error) uint32 {
	if err == nil {
		return 0
	}
	return codeOf(err).grpc
}
