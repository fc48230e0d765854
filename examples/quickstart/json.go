package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// appendJSON appends v without a line end, and without the escapes that are only for web pages.
func appendJSON(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// objectFields takes one JSON object apart, without changing anything in its values. It refuses what a lenient reader
// would quietly repair: bytes that are no UTF-8, a name that comes twice, text behind the object.
func objectFields(line []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notAnObject(err)
	}
	fields := make(map[string]json.RawMessage, 8)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, notAnObject(err)
		}
		name := t.(string) // the decoder takes nothing else here
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("the field %q is there twice", name)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, notAnObject(err)
		}
		fields[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return nil, notAnObject(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more on the line after the JSON object")
	}
	return fields, nil
}

func notAnObject(err error) error {
	switch {
	case err == nil:
		return errors.New("not a JSON object")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not a JSON object: it ends too early")
	default:
		return fmt.Errorf("not a JSON object: %w", err)
	}
}

// maxID is in bytes; the stores of the example take keys up to 32 KiB.
const maxID = 1024

func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("the id is empty")
	case strings.ContainsRune(id, utf8.RuneError):
		return errors.New("the id has a character that is no Unicode text (U+FFFD, or half of a surrogate pair)")
	case len(id) > maxID:
		return fmt.Errorf("the id has %d bytes, at most %d are taken", len(id), maxID)
	}
	return nil
}

// shorten is a value as an error message shows it.
func shorten(raw []byte) string {
	const most = 40
	if len(raw) <= most {
		return string(raw)
	}
	return string(bytes.ToValidUTF8(raw[:most], nil)) + "…"
}
