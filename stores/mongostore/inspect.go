package mongostore

import "context"

// findings are what New learned about the collection and its deployment.
type findings struct {
	// replicaSet says that transactions work, and that they show everywhere at once.
	replicaSet bool
}

func (s *Store[K, V]) inspect(context.Context) (findings, error) {
	return findings{replicaSet: true}, nil
}
