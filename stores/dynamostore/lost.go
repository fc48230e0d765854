package dynamostore

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// lostField tells whether a stored attribute is missing or another one in what V was encoded as. The path leads to what is lost
// as far as names are those of struct fields; it is empty where they are data.
func lostField(name string, stored types.AttributeValue, again Item, in *typeshape.Shape) (path string, lost bool) {
	field, is := in.At(name)
	if back, there := again[name]; there {
		path, lost = changed(stored, back, field)
	} else {
		lost = is == typeshape.Unmapped || !nothing(stored)
	}
	switch {
	case !lost, is == typeshape.Data:
		return "", lost
	case path == "":
		return name, true
	}
	return name + "." + path, true
}

// changed compares a stored value with what V made of it.
func changed(stored, back types.AttributeValue, in *typeshape.Shape) (path string, changed bool) {
	switch a := stored.(type) {
	case *types.AttributeValueMemberM:
		if b, ok := back.(*types.AttributeValueMemberM); ok {
			return changedMap(a.Value, b.Value, in)
		}
	case *types.AttributeValueMemberL:
		if b, ok := back.(*types.AttributeValueMemberL); ok {
			return changedList(a.Value, b.Value, in)
		}
	}
	return "", !sameScalar(stored, back) && !reflect.DeepEqual(tidy(clone(stored)), tidy(clone(back)))
}

func changedMap(stored, back Item, in *typeshape.Shape) (path string, changed bool) {
	for _, name := range sortedNames(stored) {
		if path, changed = lostField(name, stored[name], back, in); changed {
			return path, true
		}
	}
	return "", false
}

func changedList(stored, back []types.AttributeValue, in *typeshape.Shape) (path string, different bool) {
	for i := range min(len(stored), len(back)) {
		if path, different = changed(stored[i], back[i], in); different {
			return path, true
		}
	}
	return "", len(stored) != len(back)
}

// nothing tells the values that a codec may leave out.
func nothing(av types.AttributeValue) bool {
	switch v := av.(type) {
	case *types.AttributeValueMemberNULL:
		return true
	case *types.AttributeValueMemberS:
		return v.Value == ""
	case *types.AttributeValueMemberN:
		return tidyNumber(v.Value) == "0"
	case *types.AttributeValueMemberB:
		return len(v.Value) == 0
	case *types.AttributeValueMemberBOOL:
		return !v.Value
	case *types.AttributeValueMemberL:
		return len(v.Value) == 0
	case *types.AttributeValueMemberM:
		return len(v.Value) == 0
	default: // a set is never empty
		return false
	}
}
