package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// target says where a place is: in a bolt file or in a collection of MongoDB.
type target struct {
	// file is the path of a bolt file; "" is the default one in the folder of the run.
	file string
	// uri is the connection string of a MongoDB deployment, without a namespace in it; "" for a bolt file.
	uri                  string
	database, collection string
	// shown is what is printed for a collection: a connection string may hold a password.
	shown string
}

// inMongoDB tells a collection from a file.
func (t *target) inMongoDB() bool { return t.uri != "" }

// pathIn is the bolt file's path, with the default name in the folder of the run.
func (t *target) pathIn(dir, name string) string {
	if t.file == "" {
		return filepath.Join(dir, name)
	}
	return t.file
}

// same tells whether two targets are the same file or collection. Two names of one deployment are not recognised; that
// its collections are empty and of this run's own making is checked when they are claimed.
func (t *target) same(o *target) bool {
	if t.inMongoDB() != o.inMongoDB() {
		return false
	}
	if t.inMongoDB() {
		return t.uri == o.uri && t.database == o.database && t.collection == o.collection
	}
	return t.file != "" && filepath.Clean(t.file) == filepath.Clean(o.file)
}

const targetSyntax = "want a path, or mongodb://HOST:PORT/DATABASE.COLLECTION?OPTIONS"

// parseTarget reads what -old or -new says.
func parseTarget(s string) (target, error) {
	scheme, rest, isURI := strings.Cut(s, "://")
	switch {
	case !isURI:
		return target{file: s}, nil
	case scheme != "mongodb" && scheme != "mongodb+srv":
		return target{}, fmt.Errorf("nothing is known of %s://: %s", scheme, targetSyntax)
	}
	// What the driver takes for the database to log in to is the namespace here; authSource says the other.
	hosts, path, _ := strings.Cut(rest, "/")
	name, options, hasOptions := strings.Cut(path, "?")
	name, err := url.PathUnescape(name)
	database, collection, _ := strings.Cut(name, ".")
	if err != nil || hosts == "" || database == "" || collection == "" {
		return target{}, errors.New("it names no collection: " + targetSyntax)
	}
	t := target{uri: scheme + "://" + hosts + "/", database: database, collection: collection}
	if hasOptions {
		t.uri += "?" + options
	}
	t.shown = fmt.Sprintf("%s://%s/%s", scheme, hosts[strings.LastIndexByte(hosts, '@')+1:], name)
	return t, nil
}
