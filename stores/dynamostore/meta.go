package dynamostore

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// The metadata is one map attribute. An item without it is unstamped.
const (
	metaStamp   = "s" // B, the stamp's 16 bytes
	metaPrev    = "p" // B as the stamp, or S "absent" or "unstamped"; not there if unknown
	metaIntent  = "i" // BOOL true, or not there
	metaDeleted = "d" // BOOL true, or not there
)

const stampSize = len(stores.Stamp{})

// metaValue is the stored form of metadata with a stamp.
func metaValue(m stores.Meta) *types.AttributeValueMemberM {
	fields := Item{metaStamp: stampValue(m.Version)}
	switch {
	case m.Prev.IsUnknown():
	case m.Prev.IsAbsent(), m.Prev.IsUnstamped():
		fields[metaPrev] = &types.AttributeValueMemberS{Value: m.Prev.String()}
	default:
		fields[metaPrev] = stampValue(m.Prev)
	}
	if m.Intent {
		fields[metaIntent] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if m.Deleted {
		fields[metaDeleted] = &types.AttributeValueMemberBOOL{Value: true}
	}
	return &types.AttributeValueMemberM{Value: fields}
}

func stampValue(v stores.Version) *types.AttributeValueMemberB {
	s, _ := v.Stamp()
	return &types.AttributeValueMemberB{Value: s[:]}
}

// parseMeta is the inverse. Whatever this version does not write is an error: nobody knows what it means.
func parseMeta(av types.AttributeValue) (m stores.Meta, err error) {
	fields, ok := av.(*types.AttributeValueMemberM)
	if !ok {
		return m, fmt.Errorf("the metadata is no map but %T", av)
	}
	if m.Version, err = parseStamp(fields.Value[metaStamp]); err != nil {
		return stores.Meta{}, fmt.Errorf("the metadata's %s: %w", metaStamp, err)
	}
	for name, av := range fields.Value {
		switch name {
		case metaStamp:
		case metaPrev:
			m.Prev, err = parsePrev(av)
		case metaIntent:
			m.Intent, err = parseFlag(av)
		case metaDeleted:
			m.Deleted, err = parseFlag(av)
		default:
			err = fmt.Errorf("not known to this version of the SDK")
		}
		if err != nil {
			return stores.Meta{}, fmt.Errorf("the metadata's %s: %w", name, err)
		}
	}
	return m, nil
}

func parseStamp(av types.AttributeValue) (stores.Version, error) {
	b, ok := av.(*types.AttributeValueMemberB)
	if !ok || len(b.Value) != stampSize || stores.Stamp(b.Value).IsZero() {
		return stores.Unknown, fmt.Errorf("want a stamp, %d bytes that are not all zero", stampSize)
	}
	return stores.Stamp(b.Value).Version(), nil
}

func parsePrev(av types.AttributeValue) (stores.Version, error) {
	if s, ok := av.(*types.AttributeValueMemberS); ok {
		for _, v := range []stores.Version{stores.Absent, stores.Unstamped} {
			if s.Value == v.String() {
				return v, nil
			}
		}
	}
	return parseStamp(av)
}

func parseFlag(av types.AttributeValue) (bool, error) {
	if b, ok := av.(*types.AttributeValueMemberBOOL); ok && b.Value {
		return true, nil
	}
	return false, fmt.Errorf("want true or nothing")
}
