package mongostore

import (
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/dualwrite/dualwrite/stores"
)

// classify marks an error as one without effect where that is certain. The driver repeats by itself, and an error of its
// last try may hide an earlier one that was applied, or is yet to arrive. So what may have been sent before counts as
// unknown: only what no try can have sent is transient, and what every try would be refused for is permanent. That is what is
// wrong with one document, whatever the code is; of a command that failed as a whole only codes that are known to be about contents.
func classify(err error) error {
	var (
		selection topology.ServerSelectionError
		queue     topology.WaitQueueTimeoutError
		marshal   mongo.MarshalError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mongo.ErrClientDisconnected):
		return fmt.Errorf("%w: %w", stores.ErrClosed, err)
	case errors.As(err, &selection), errors.As(err, &queue):
		return stores.Transient(err)
	case errors.Is(err, driver.ErrDocumentTooLarge), errors.As(err, &marshal):
		return stores.Permanent(err)
	case hasWriteConcernError(err), passes(err):
		return err
	}
	code, ofDocument := codeOf(err)
	advice, named := aboutContents[code]
	switch {
	case code == codeUnauthorized, code == codeAuthenticationFailed:
		// Without a mark: rights may have been taken away between two tries.
		return fmt.Errorf("no rights: the user needs find, insert, update, remove, listIndexes and listCollections: %w", err)
	case named, ofDocument && refusesDocument(code):
		return stores.Permanent(advise(advice, err))
	default:
		return err
	}
}

func advise(advice string, err error) error {
	if advice == "" {
		return err
	}
	return fmt.Errorf("%s: %w", advice, err)
}

func hasWriteConcernError(err error) bool {
	var one mongo.WriteException
	var many mongo.BulkWriteException
	return errors.As(err, &one) && one.WriteConcernError != nil || errors.As(err, &many) && many.WriteConcernError != nil
}

// codeOf is the server's code, or 0, and whether it is of the write of one document and not of a whole command.
func codeOf(err error) (code int, ofDocument bool) {
	var one mongo.WriteException
	if errors.As(err, &one) && len(one.WriteErrors) > 0 {
		return one.WriteErrors[0].Code, true
	}
	var failed mongo.WriteError
	if errors.As(err, &failed) {
		return failed.Code, true
	}
	var command mongo.CommandError
	if errors.As(err, &command) {
		return int(command.Code), false
	}
	return 0, false
}

// duplicate tells whether a single write was refused as a duplicate, and whether that is certainly because of another
// unique index than the one on _id.
func duplicate(err error) (is, otherIndex bool) {
	var one mongo.WriteException
	if !errors.As(err, &one) || one.WriteConcernError != nil || len(one.WriteErrors) == 0 {
		return false, false
	}
	return duplicateError(one.WriteErrors[0])
}

func duplicateError(e mongo.WriteError) (is, otherIndex bool) {
	if e.Code != codeDuplicateKey {
		return false, false
	}
	if pattern, ok := e.Raw.Lookup("keyPattern").DocumentOK(); ok {
		return true, !onlyID(pattern)
	}
	_, index, named := strings.Cut(e.Message, "index: ")
	return true, named && !strings.HasPrefix(index, "_id_ ")
}

func onlyID(pattern bson.Raw) bool {
	elements, err := pattern.Elements()
	return err == nil && len(elements) == 1 && elements[0].Key() == "_id"
}

// at names the collection, and the key unless it is nil. Nil stays nil, and a refusal stays as it is.
func (s *Store[K, V]) at(canon []byte, err error) error {
	var refused *stores.ConditionError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused
	case canon == nil:
		return fmt.Errorf("mongostore: %s: %w", s.namespace, err)
	default:
		return fmt.Errorf("mongostore: %s: %s: %w", s.namespace, stores.FormatKey(canon), err)
	}
}
