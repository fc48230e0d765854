package mongostore

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// addShardKey sets apart the fields of the shard key, which each document has, tombstones too.
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
		for i, f := range c.fields {
			if f.name != name {
				continue
			}
			if !f.value.Equal(v) {
				return fmt.Errorf("field %q of the shard key is %v in the value, and follows from the key as %v", name, f.value, v)
			}
			c.fields = slices.Delete(c.fields, i, i+1)
			break
		}
		c.shard = append(c.shard, element{name, v})
		return nil
	})
}
