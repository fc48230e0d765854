package mongostore

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// matches tells whether a filter, as a partial index may have one, matches documents of which that is known. What it does not know
// it may match.
func matches(filter bson.Raw, doc place) truth {
	is := always
	elements, _ := filter.Elements()
	for _, e := range elements {
		is = min(is, clause(e.Key(), e.Value(), doc))
	}
	return is
}

func clause(path string, cond bson.RawValue, doc place) truth {
	within := func(start truth, join func(a, b truth) truth) truth {
		for _, v := range arrayOf(cond) {
			filter, _ := v.DocumentOK()
			start = join(start, matches(filter, doc))
		}
		return start
	}
	switch {
	case path == "$and":
		return within(always, func(a, b truth) truth { return min(a, b) })
	case path == "$or":
		return within(never, func(a, b truth) truth { return max(a, b) })
	case strings.HasPrefix(path, "$"):
		return maybe
	}
	field, is := doc(path), always
	operators, ok := cond.DocumentOK()
	elements, _ := operators.Elements()
	if !ok || len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		return field.compares("$eq", cond)
	}
	for _, e := range elements {
		is = min(is, field.satisfies(e.Key(), e.Value()))
	}
	return is
}

// satisfies evaluates an operator.
func (f known) satisfies(operator string, operand bson.RawValue) truth {
	switch operator {
	case "$exists":
		if n, whole := wholeNumber(operand); operand.Type == bson.TypeBoolean && operand.Boolean() || whole && n != 0 {
			return f.exists
		}
		return -f.exists
	case "$type":
		return f.hasType(operand)
	case "$in":
		is := never
		for _, v := range arrayOf(operand) {
			is = max(is, f.compares("$eq", v))
		}
		return is
	case "$eq", "$gt", "$gte", "$lt", "$lte":
		return f.compares(operator, operand)
	case "$geoWithin", "$geoIntersects", "$within":
		return min(f.exists, maybe)
	}
	return maybe
}

// compares evaluates a comparison. But for null, which is what is missing, and the ends of the order, only values of one type are compared.
func (f known) compares(operator string, operand bson.RawValue) truth {
	orEqual := operator == "$eq" || strings.HasSuffix(operator, "e")
	switch {
	case operator != "$eq" && (operand.Type == bson.TypeMinKey || operand.Type == bson.TypeMaxKey):
		return maybe
	case f.exists == never:
		return truthOf(operand.Type == bson.TypeNull && orEqual)
	case f.kind == 0:
		return maybe
	case f.kind != operand.Type:
		return never
	case f.kind != bson.TypeBoolean:
		return maybe
	case operand.Boolean():
		return truthOf(orEqual)
	default:
		return truthOf(strings.HasPrefix(operator, "$gt"))
	}
}

// typeNames are the names in a query of the types that the metadata has.
var typeNames = map[bson.Type]string{bson.TypeEmbeddedDocument: "object", bson.TypeBinary: "binData", bson.TypeBoolean: "bool"}

func (f known) hasType(operand bson.RawValue) truth {
	switch {
	case f.exists == never:
		return never
	case f.kind == 0:
		return maybe
	}
	types := arrayOf(operand)
	if operand.Type != bson.TypeArray {
		types = []bson.RawValue{operand}
	}
	return truthOf(slices.ContainsFunc(types, func(v bson.RawValue) bool {
		name, _ := v.StringValueOK()
		n, whole := wholeNumber(v)
		return name == typeNames[f.kind] || whole && n == int64(f.kind)
	}))
}
