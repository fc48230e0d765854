package mongostore

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// addShardKey adds the fields of the shard key, which each document has, tombstones too. One that the value has stays in its place.
func (s *Store[K, V]) addShardKey(c *change[K, V]) error {
	if s.shardKey == nil {
		return nil
	}
	doc, err := s.codec.bson.marshal(s.shardKey(c.Key))
	if err != nil {
		return fmt.Errorf("Options.ShardKey: %w", err)
	}
	return walk(doc, func(raw []byte, v bson.RawValue) error {
		name := string(raw)
		if name == "_id" {
			return nil
		}
		if err := checkName(name); err != nil {
			return fmt.Errorf("Options.ShardKey: %w", err)
		}
		there := false
		for _, f := range c.fields {
			switch {
			case f.name != name:
				continue
			case !f.value.Equal(v):
				return fmt.Errorf("field %q of the shard key is %v in the value, and follows from the key as %v", name, f.value, v)
			case there:
				return fmt.Errorf("field %q of the shard key is there twice", name)
			}
			there = true
		}
		if !there {
			c.shard = append(c.shard, element{name, v})
		}
		return nil
	})
}
