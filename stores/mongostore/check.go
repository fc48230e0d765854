package mongostore

import "github.com/dualwrite/dualwrite/stores"

// Check implements [stores.Checker]: it encodes the record and looks at the size of the document. What others keep in
// the same document is not known here.
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	_, err := s.prepare(&w)
	return err
}
