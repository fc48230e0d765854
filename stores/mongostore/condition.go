package mongostore

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// filtered is a condition as a filter. The filter and the write are one operation of the server on one document, which is
// what makes the write conditional.
type filtered struct {
	// filter is what holds for the stored document, beside its _id.
	filter bson.D
	// upsert says that the condition also holds when there is no document. Then a document that does not match makes the
	// server try to insert another one with the same _id, and that is refused as a duplicate.
	upsert bool
	// insert says that the condition holds only when there is no document.
	insert bool
}

func exists(name string, there bool) bson.D {
	return bson.D{{Key: name, Value: bson.D{{Key: "$exists", Value: there}}}}
}

// anyOf holds where one of the filters does. It is a clause of its own, as a server may otherwise try to plan it together with the
// _id beside it, and look through the whole collection.
func anyOf(filters ...bson.D) bson.D {
	if len(filters) == 1 {
		return filters[0]
	}
	return bson.D{{Key: "$and", Value: bson.A{bson.D{{Key: "$or", Value: filters}}}}}
}

// absent holds where there is a document but no record of the view in it.
func (v *view) absent() bson.D {
	f := exists(v.meta, false)
	for _, name := range v.owned {
		f = append(f, exists(name, false)...)
	}
	return f
}

// unstamped holds where there is a record from before the SDK.
func (v *view) unstamped() bson.D {
	f := exists(v.meta, false)
	if v.whole {
		return f
	}
	fields := make([]bson.D, len(v.owned))
	for i, name := range v.owned {
		fields[i] = exists(name, true)
	}
	return append(f, anyOf(fields...)...)
}

func (v *view) stamp(op string, s stores.Version) bson.D {
	compared := bson.D{{Key: op, Value: stampValue(s)}}
	if op != "$eq" {
		// What sorts before every stamp is none (BSON puts shorter bytes first): it is damaged, and is left alone.
		compared = append(compared, bson.E{Key: "$gt", Value: bson.Binary{Data: make([]byte, len(stores.Stamp{}))}})
	}
	return bson.D{{Key: v.meta + "." + stampField, Value: compared}}
}

// condition translates a valid condition.
func (v *view) condition(c stores.Condition) filtered {
	switch c.Kind {
	case stores.KindIfStamp:
		return v.exactly(c.Version)
	case stores.KindIfOlder:
		if c.Version.IsUnstamped() {
			return v.exactly(stores.Absent)
		}
		return filtered{filter: anyOf(exists(v.meta, false), v.stamp("$lt", c.Version)), upsert: true}
	default:
		return v.atMost(c.Version, c.OrDead)
	}
}

func (v *view) exactly(version stores.Version) filtered {
	switch {
	case version.IsUnstamped():
		return filtered{filter: v.unstamped()}
	case !version.IsAbsent():
		return filtered{filter: v.stamp("$eq", version)}
	case v.whole:
		return filtered{insert: true}
	default:
		return filtered{filter: v.absent(), upsert: true}
	}
}

func (v *view) atMost(version, dead stores.Version) filtered {
	var filters []bson.D
	if !dead.IsUnknown() {
		// Written as a list of one: of an equality a document that is inserted instead would take over the value.
		filters = append(filters, bson.D{{Key: v.meta + "." + stampField, Value: bson.D{{Key: "$in", Value: bson.A{stampValue(dead)}}}}})
	}
	switch {
	case version.IsUnstamped():
		filters = append(filters, exists(v.meta, false))
	case !version.IsAbsent():
		filters = append(filters, exists(v.meta, false), v.stamp("$lte", version))
	case len(filters) == 0:
		return v.exactly(stores.Absent)
	case !v.whole:
		filters = append(filters, v.absent())
	}
	return filtered{filter: anyOf(filters...), upsert: true}
}
