package stores

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// KeyCodec gives keys a canonical byte form, for checkpoints, findings and stores that keep bytes: two keys are the same
// record exactly if their canonical forms are equal. K need not be comparable. Implementations are safe for concurrent
// use.
type KeyCodec[K any] interface {
	// Append appends the canonical form of key to dst. A key that can never be stored is an error that Is ErrPermanent.
	Append(dst []byte, key K) ([]byte, error)
	// Parse is the inverse of Append. It does not keep b.
	Parse(b []byte) (K, error)
}

// StringKeys are keys of any string type; the canonical form is the string's bytes. The empty string is no key.
func StringKeys[K ~string]() KeyCodec[K] { return stringKeys[K]{} }

type stringKeys[K ~string] struct{}

func (stringKeys[K]) Append(dst []byte, key K) ([]byte, error) {
	if key == "" {
		return dst, Permanent(fmt.Errorf("stores: the empty string is no key"))
	}
	return append(dst, key...), nil
}

func (stringKeys[K]) Parse(b []byte) (K, error) { return K(b), nil }

// Int64Keys are keys of any 64-bit signed integer type; the canonical form is 8 bytes that sort as the numbers do.
func Int64Keys[K ~int64]() KeyCodec[K] { return int64Keys[K]{} }

type int64Keys[K ~int64] struct{}

func (int64Keys[K]) Append(dst []byte, key K) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(key)^1<<63), nil
}

func (int64Keys[K]) Parse(b []byte) (K, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("stores: an int64 key has 8 bytes, not %d", len(b))
	}
	return K(binary.BigEndian.Uint64(b) ^ 1<<63), nil
}

// BytesKeys are keys that are bytes already, as UUIDs are ([16]byte sliced) or composite keys packed by the application.
// The empty slice is no key.
func BytesKeys[K ~[]byte]() KeyCodec[K] { return bytesKeys[K]{} }

type bytesKeys[K ~[]byte] struct{}

func (bytesKeys[K]) Append(dst []byte, key K) ([]byte, error) {
	if len(key) == 0 {
		return dst, Permanent(fmt.Errorf("stores: the empty slice is no key"))
	}
	return append(dst, key...), nil
}

func (bytesKeys[K]) Parse(b []byte) (K, error) { return append(K(nil), b...), nil }

// KeyFuncs makes a codec of two functions, for key types that have their own canonical form.
func KeyFuncs[K any](appendKey func(dst []byte, key K) ([]byte, error), parse func(b []byte) (K, error)) KeyCodec[K] {
	return keyFuncs[K]{appendKey, parse}
}

type keyFuncs[K any] struct {
	append func([]byte, K) ([]byte, error)
	parse  func([]byte) (K, error)
}

func (f keyFuncs[K]) Append(dst []byte, key K) ([]byte, error) { return f.append(dst, key) }
func (f keyFuncs[K]) Parse(b []byte) (K, error)                { return f.parse(b) }

// FormatKey shows a canonical key to people: as a quoted string where it is printable text, else in hexadecimal after
// 0x.
func FormatKey(canonical []byte) string {
	if len(canonical) > 0 && utf8.Valid(canonical) {
		printable := true
		for _, r := range string(canonical) {
			printable = printable && unicode.IsPrint(r)
		}
		if printable {
			return strconv.Quote(string(canonical))
		}
	}
	return "0x" + hex.EncodeToString(canonical)
}
