// Package crossstore runs the repository's kit over the real databases, and from one kind of store to another: what
// neither the stores may test, which know no repository, nor the repository, which knows no database.
package crossstore
