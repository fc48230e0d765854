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

// Codes of the server's errors that are looked at one by one.
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeValidationFailed     = 121
	codeDuplicateKey         = 11000
)

// permanent are the codes of a write that is refused for what it is, however often it is sent.
var permanent = map[int]string{
	2:     "",
	9:     "",
	14:    "",
	28:    "",
	40:    "",
	52:    "",
	53:    "",
	54:    "",
	55:    "",
	56:    "",
	57:    "",
	66:    "",
	171:   "",
	10334: "the document is larger than 16 MiB",
	16755: "",
	17280: "",
	17419: "the document would be larger than 16 MiB",
	17420: "the document would be larger than 16 MiB",

	codeValidationFailed: "the collection's validator refuses the document; the metadata field and tombstones, which have no other field, need to pass it as well",
}

// cursorGone are the codes that end a cursor, and not the scan: not found, or the node is shutting down or no primary any more.
var cursorGone = []int{
	43, 175, 237, // cursor not found, plan killed, cursor killed
	91, 189, 10107, 11600, 11602, 13435, 13436, // shutting down, stepped down, not primary, interrupted by either
}

// classify marks an error as one without effect where that is certain. The driver repeats by itself, and an error of its
// last try may hide an earlier one that was applied, or is yet to arrive. So what may have been sent before counts as
// unknown: only what no try can have sent is transient, and what every try would be refused for is permanent.
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
	case hasWriteConcernError(err):
		return err
	}
	switch code := codeOf(err); code {
	case codeUnauthorized, codeAuthenticationFailed:
		// Without a mark: rights may have been taken away between two tries.
		return fmt.Errorf("no rights: the user needs find, insert, update, remove, listIndexes and listCollections: %w", err)
	default:
		if advice, ok := permanent[code]; ok {
			return stores.Permanent(advise(advice, err))
		}
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

// codeOf is the server's code, or 0.
func codeOf(err error) int {
	var one mongo.WriteException
	if errors.As(err, &one) && len(one.WriteErrors) > 0 {
		return one.WriteErrors[0].Code
	}
	var failed mongo.WriteError
	if errors.As(err, &failed) {
		return failed.Code
	}
	var command mongo.CommandError
	if errors.As(err, &command) {
		return int(command.Code)
	}
	return 0
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
