package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	// usualDepth is how many levels MongoDB lets a document have that is stored, itself among them. The documentation promises 100.
	usualDepth = 180
	// reservedDepth is what a server sets aside of its parameter maxBSONDepth for what it puts around a document.
	reservedDepth = 20
	// leastLevel is the least that a level adds to a document in bytes: a length, a type, the end of a name and its own end.
	leastLevel = 7
)

// storedDepth asks how deep a document may be. Who has no right to ask, or asks a server that does not know, gets the usual.
func (s *Store[K, V]) storedDepth(ctx context.Context) int {
	var parameters struct {
		Depth int `bson:"maxBSONDepth"`
	}
	ask := bson.D{{Key: "getParameter", Value: 1}, {Key: "maxBSONDepth", Value: 1}}
	err := s.coll.Database().Client().Database("admin").RunCommand(ctx, ask).Decode(&parameters)
	if err != nil || parameters.Depth <= reservedDepth {
		return usualDepth
	}
	return parameters.Depth - reservedDepth
}

// checkDepth refuses fields that are nested too deeply to be stored.
func checkDepth(fields []element, limit int) error {
	for _, f := range fields {
		if deeper(f.value, limit-1) {
			return fmt.Errorf("field %q is nested too deeply: documents and lists may have %d levels, the document itself among them", f.name, limit)
		}
	}
	return nil
}

// deeper tells whether there are more levels in a value. One that is empty is none. What is too short for so many is not looked into.
func deeper(v bson.RawValue, levels int) bool {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray || len(v.Value) <= leastLevel*levels || len(v.Value) <= 5 {
		return false
	}
	if levels == 0 {
		return true
	}
	found := false
	_ = walk(v.Value, func(_ []byte, v bson.RawValue) error { // what is damaged the codec says
		if found = deeper(v, levels-1); found {
			return errFound
		}
		return nil
	})
	return found
}
