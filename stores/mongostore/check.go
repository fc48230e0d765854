package mongostore

import "github.com/dualwrite/dualwrite/stores"

// Check implements [stores.Checker]: it encodes the record and looks at the size of the document. What others keep in
// the same document is not known here. It also refuses a tombstone that a unique index may hold back (see [Store.Advice]).
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	c, err := s.prepare(&w)
	if err != nil {
		return err
	}
	return s.at(c.id.canon, s.checkCollision(w.Record.Meta))
}
