package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// An INSERT of PartiQL is the one conditional write that DynamoDB takes in batches outside of transactions: it is
// refused if the item is there, each on its own, and costs what a PutItem costs.
const (
	insertChunk = 25      // statements in one call
	insertBytes = 4 << 20 // in one call, about
	maxInsert   = 8 << 10 // the longest statement
)

// insert tries jobs of different keys as insertions, and leaves those undecided that something stored refuses: all of them on
// a server without PartiQL.
func (s *Store[K, V]) insert(ctx context.Context, jobs []*job) {
	if s.noInsert.Load() {
		return
	}
	var chunks []*insertion
	last := &insertion{}
	for _, j := range jobs {
		text, ok := insertText(s.table.name, j.item)
		if !ok {
			continue
		}
		size, _ := itemSize(j.item, 0)
		if len(last.jobs) == 0 || len(last.jobs) == insertChunk || last.size+size > insertBytes {
			last = &insertion{}
			chunks = append(chunks, last)
		}
		last.add(j, text, parameters(j.item), size)
	}
	inParallel(len(chunks), s.opts.Concurrency, func(i int) { s.insertAll(ctx, chunks[i]) })
}

// insertion is what goes in one call.
type insertion struct {
	jobs       []*job
	statements []types.BatchStatementRequest
	size       int
}

func (in *insertion) add(j *job, text string, values []types.AttributeValue, size int) {
	in.jobs = append(in.jobs, j)
	in.statements = append(in.statements, types.BatchStatementRequest{Statement: &text, Parameters: values})
	in.size += size
}

// insertText is the statement. Names can not be placeholders there, so that only those are taken that need no quoting
// rule to be relied on.
func insertText(table string, item Item) (string, bool) {
	var b strings.Builder
	b.WriteString(`INSERT INTO "` + table + `" VALUE {`)
	for i, name := range sortedNames(item) {
		if !plainName(name) {
			return "", false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("'" + name + "':?")
	}
	b.WriteByte('}')
	return b.String(), b.Len() <= maxInsert && plainName(table)
}

func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return name != ""
}

func parameters(item Item) []types.AttributeValue {
	values := make([]types.AttributeValue, 0, len(item))
	for _, name := range sortedNames(item) {
		values = append(values, item[name])
	}
	return values
}

// insertAll sends one call, and again what was throttled.
func (s *Store[K, V]) insertAll(ctx context.Context, in *insertion) {
	tried, taken := len(in.jobs), 0
	for try := 1; len(in.jobs) > 0; try++ {
		if err := ctx.Err(); err != nil {
			in.decide(err)
			return
		}
		if s.noInsert.Load() { // as another call has just found out
			return
		}
		verdicts, err := s.sendInsertion(ctx, in)
		err = s.insertFailed(err)
		later := &insertion{}
		for i, j := range in.jobs {
			switch verdicts[i] {
			case inserted:
				j.decide(nil)
			case isThere:
				taken++
			case notNow:
				later.jobs, later.statements = append(later.jobs, j), append(later.statements, in.statements[i])
			case nobodyKnows:
				j.decide(err)
			case tryAlone:
			}
		}
		if in = later; len(in.jobs) == 0 {
			break
		}
		if try == sendTries {
			in.decide(stores.Transient(err))
			break
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); err != nil {
			in.decide(err)
		}
	}
	if tried > 1 && 2*taken > tried {
		s.direct.Store(directWrites)
	}
}

func (s *Store[K, V]) insertFailed(err error) error {
	if err == nil {
		err = errors.New("refused for now, or failed on DynamoDB's side")
	}
	return fmt.Errorf("dynamostore: table %s: insert: %w", s.table.name, err)
}

// verdict is what became of one insertion.
type verdict int

const (
	inserted    verdict = iota
	isThere             // something is stored
	notNow              // certainly no effect; the same statement may go through later
	nobodyKnows         // may have had an effect
	tryAlone            // certainly no effect; a write of its own says why
)

// sendInsertion makes one call. It notes for each job whether an earlier request within the call may have had an effect.
func (s *Store[K, V]) sendInsertion(ctx context.Context, in *insertion) ([]verdict, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c := &call{op: "BatchExecuteStatement"}
	out, err := s.client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{
		Statements: in.statements, ReturnConsumedCapacity: s.measure(),
	}, c.options)
	var consumed []types.ConsumedCapacity
	if err == nil {
		consumed = out.ConsumedCapacity
	}
	s.report(c, true, consumed...)
	if rejection(err) == unknownOperation {
		s.noInsert.Store(true)
	}
	verdicts := make([]verdict, len(in.jobs))
	for i, j := range in.jobs {
		j.doubt = j.doubt || c.doubt
		switch {
		case err != nil:
			verdicts[i] = failedCall(c, err)
		case i >= len(out.Responses):
			verdicts[i] = nobodyKnows
		default:
			verdicts[i] = insertVerdict(out.Responses[i].Error)
		}
	}
	return verdicts, c.classify(err)
}

func failedCall(c *call, err error) verdict {
	switch code := rejection(err); {
	case c.doubt:
		return nobodyKnows
	case hopeless[code], forbidden[code]: // one of them is to blame, or single writes can do what a batch can not
		return tryAlone
	default:
		return notNow
	}
}

// forbidden are rejections of a call that say nothing about other operations.
var forbidden = map[string]bool{"AccessDeniedException": true, "ResourceNotFoundException": true}

func insertVerdict(e *types.BatchStatementError) verdict {
	if e == nil {
		return inserted
	}
	switch code := string(e.Code); {
	case e.Code == types.BatchStatementErrorCodeEnumDuplicateItem, e.Code == types.BatchStatementErrorCodeEnumConditionalCheckFailed:
		return isThere
	case throttles[code], conflicts[code]:
		return notNow
	case hopeless[code], e.Code == types.BatchStatementErrorCodeEnumAccessDenied, e.Code == types.BatchStatementErrorCodeEnumResourceNotFound:
		return tryAlone
	default: // InternalServerError, and what is not known yet
		return nobodyKnows
	}
}

func (in *insertion) decide(err error) {
	for _, j := range in.jobs {
		j.decide(err)
	}
	in.jobs = nil
}
