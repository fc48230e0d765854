package mongostore

import "slices"

// Codes of the server's errors that are looked at one by one.
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeValidationFailed     = 121
	codeDuplicateKey         = 11000
)

// cursorGone are the codes that end a cursor, and not the scan: not found, or the node is shutting down or no primary any more.
var cursorGone = []int{
	43, 175, 237, // cursor not found, plan killed, cursor killed
	91, 189, 10107, 11600, 11602, 13435, 13436, // shutting down, stepped down, not primary, interrupted by either
}

// aboutContents are the named codes of a write that is refused for what it is, however often it is sent, each with what the user
// should know of it.
var aboutContents = map[int]string{
	2:   "", // bad value
	9:   "", // failed to parse
	14:  "", // type mismatch
	15:  tooDeep,
	16:  "", // invalid length
	22:  tooDeep,
	28:  "", // path not viable
	29:  "", // path not there
	30:  "", // invalid path
	34:  "", // array too long to backfill
	40:  "", // conflicting update operators
	52:  "", // name that begins with a dollar
	53:  "", // invalid _id
	54:  "", // not a single value
	55:  "", // invalid DBRef
	56:  "", // empty name
	57:  "", // dotted name
	61:  "the collection is sharded by a field that the write does not name (Options.ShardKey)",
	66:  "", // immutable field
	111: "", // not an exact value
	116: "", // too large for a capped collection
	159: "", // duration overflow
	171: "", // two arrays in one index
	201: "", // no index keys can be built
	241: "", // failed conversion
	357: "", // invalid BSON type
	378: "", // BSON that does not conform
	472: "", // invalid BSON column
	510: "", // no geo keys
	511: "", // no geo keys, time series
	523: "", // invalid BSON from JavaScript

	codeValidationFailed: "the collection's validator refuses the document; the metadata field and tombstones, which have no other field, need to pass it as well",
	10334:                "the document is larger than 16 MiB",
	16755:                "", // no geo keys, before 510
	17280:                "", // index key too long, before MongoDB 4.2
	17419:                "the document would be larger than 16 MiB",
	17420:                "the document would be larger than 16 MiB",
}

const tooDeep = "the document is not valid or nested too deeply for the server"

// firstPlace is the first code that is a number of a place in the server's code, and not an error with a name. A place where the
// write of one document is refused refuses it for its contents: of these there are hundreds, most in the code of indexes.
const firstPlace = 10000

// elsewhere are the codes from firstPlace on that are names all the same, or that others use, and are not about a document.
var elsewhere = []int{
	10054, 10056, 10058, 10107, 13435, 13436, // not primary
	codeDuplicateKey, 11001, 12582, 16460,
	11600, 11601, 11602, 46841, 91331, 10045600, // interrupted
	12586, 12587, 50915, // another operation is under way
	13388, 640570, 640571, 10171600, // stale routing
	14031,                      // disk full
	16500,                      // too many requests, of Azure Cosmos DB
	50768, 57986, 31082, 13297, // not supported here
	56846, 4938500, 1003141, // config server, cached plan, shard that is removed
	9751901, 9751902, 9751903, 9737301, // query planner
}

// refusesDocument tells whether a write error of one document is about its contents.
func refusesDocument(code int) bool {
	_, named := aboutContents[code]
	return named || code >= firstPlace && !slices.Contains(elsewhere, code)
}

// passing are the labels of errors that another try may not meet.
var passing = []string{
	"RetryableWriteError", "TransientTransactionError", "UnknownTransactionCommitResult", "NetworkError", "RetryableError", "SystemOverloadedError",
}

func passes(err error) bool {
	return slices.ContainsFunc(passing, func(label string) bool { return labelled(err, label) })
}
