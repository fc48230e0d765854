package mongostore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// maxDocument is the largest document that MongoDB stores, in bytes.
const maxDocument = 16 << 20

// codec is how values become fields of documents, and back.
type codec[V any] struct {
	bson   bsonOptions
	view   view
	encode func(V) (bson.D, error)
	decode func(bson.Raw) (V, error)
	// keepID says that V has a place for _id, and open that it takes in whatever other fields there are.
	keepID, open bool
	// lossless says that V holds whatever there is, twice that it does so of a field that is there twice, and shape which fields are
	// in it on all levels.
	lossless, twice bool
	shape           *typeshape.Shape
	// names is how names are matched, on all levels; nil if V has no structs.
	names *typeshape.Shape
}

// view is which fields of a document belong to a record.
type view struct {
	meta string
	// owned are the top-level fields of the view, unless all of them are.
	owned []string
	all   bool
	// whole says that a document that is there is a record; otherwise one without owned fields and metadata is none.
	whole bool
}

func (v *view) owns(name string) bool { return v.all || slices.Contains(v.owned, name) }

// index is where a name is among the owned ones; -1 if it is none.
func (v *view) index(name []byte) int {
	for i, owned := range v.owned {
		if owned == string(name) {
			return i
		}
	}
	return -1
}

// field is the name, as a string of the view's own where it can be, and whether it is the view's.
func (v *view) field(name []byte) (string, bool) {
	if at := v.index(name); at >= 0 {
		return v.owned[at], true
	}
	if v.all {
		return string(name), true
	}
	return "", false
}

// fields encodes a value as the fields of a document, and the _id that the value has, if it has one.
func (c *codec[V]) fields(v V) (fields []element, id bson.RawValue, err error) {
	doc, err := c.marshal(v)
	if err != nil {
		return nil, id, fmt.Errorf("encoding a %T: %w", v, err)
	}
	fields = make([]element, 0, len(c.view.owned)+1)
	err = walk(doc, func(raw []byte, v bson.RawValue) error {
		if string(raw) == "_id" {
			if !id.IsZero() {
				return errors.New("field \"_id\" is there twice")
			}
			id = v
			return nil
		}
		name, owned := c.view.field(raw)
		switch {
		case c.view.isMeta(raw):
			return fmt.Errorf("field %q is where the metadata is: rename one of them (Options.Meta)", raw)
		case !owned:
			return fmt.Errorf("field %q is none of the store's: %s (Options.Fields)", raw, strings.Join(c.view.owned, ", "))
		}
		fields = append(fields, element{name, v})
		return nil
	})
	return fields, id, err
}

// isMeta tells whether a field is the metadata, or has a name that reads as the path to a part of it.
func (v *view) isMeta(name []byte) bool {
	return len(name) >= len(v.meta) && string(name[:len(v.meta)]) == v.meta && (len(name) == len(v.meta) || name[len(v.meta)] == '.')
}

// checkName refuses names that an update takes for a path or an operator. Who owns the whole document replaces it, and may have them.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the empty name is no field that an update can name")
	case strings.HasPrefix(name, "$"):
		return fmt.Errorf("field %q begins with a dollar, which MongoDB takes for an operator: rename it", name)
	case strings.Contains(name, "."):
		return fmt.Errorf("field %q contains a dot, which MongoDB takes for a path: rename it, or nest a document", name)
	case strings.Contains(name, "\x00"):
		return fmt.Errorf("field %q contains a zero byte", name)
	}
	return nil
}

// value decodes what belongs to the record out of a document, which may have fields of others.
func (c *codec[V]) value(doc bson.Raw) (v V, err error) {
	if c.open || c.decode != nil || c.hasOthers(doc) {
		doc = c.own(doc)
	}
	switch {
	case c.decode != nil:
		v, err = c.decode(doc)
	case c.names != nil && holdsMistaken(doc, c.names):
		err = c.bson.unmarshalExact(doc, c.names, &v)
	default:
		err = c.bson.unmarshal(doc, &v)
	}
	if err != nil {
		err = fmt.Errorf("decoding a %T: %w", v, err)
	}
	return v, err
}

// hasOthers tells whether there are fields that are not the view's, or twice. The driver takes a field in other letters for one that a
// struct maps, which the next write would not replace.
func (c *codec[V]) hasOthers(doc bson.Raw) (others bool) {
	var seen uint64
	_ = walk(doc, func(name []byte, _ bson.RawValue) error { // the decoder says what is damaged
		at := c.view.index(name)
		others = others || at < 0 && !c.view.all && string(name) != c.view.meta && string(name) != "_id" || at >= 0 && seen&(1<<at) != 0
		if at >= 0 {
			seen |= 1 << at
		}
		return nil
	})
	return others
}

// own is a copy of a document with the fields that V may see. Of a field that a struct maps and that is there twice it has the first:
// that one is what an update sets. A damaged document stays as it is, for the decoder to say so.
func (c *codec[V]) own(doc bson.Raw) bson.Raw {
	d := openDocument(len(doc))
	var seen uint64
	err := walk(doc, func(name []byte, v bson.RawValue) error {
		if string(name) == "_id" {
			if c.keepID {
				d.append("_id", v)
			}
			return nil
		}
		at := c.view.index(name)
		if at >= 0 && !c.view.all {
			if seen&(1<<at) != 0 {
				return nil
			}
			seen |= 1 << at
		}
		if (at >= 0 || c.view.all) && string(name) != c.view.meta {
			d.append(string(name), v)
		}
		return nil
	})
	if err != nil {
		return doc
	}
	return d.close()
}

// bsonOptions are what the driver would be told about encoding. It can not be asked what a collection was told.
type bsonOptions struct {
	registry *bson.Registry
	options  options.BSONOptions
}

// plain says that the driver's defaults are to be used, for which it has faster ways.
func (o *bsonOptions) plain() bool { return o.registry == nil && o.options == options.BSONOptions{} }

func (o *bsonOptions) marshal(v any) (bson.Raw, error) {
	if o.plain() {
		return bson.Marshal(v)
	}
	var buf bytes.Buffer
	enc := bson.NewEncoder(bson.NewDocumentWriter(&buf))
	if o.registry != nil {
		enc.SetRegistry(o.registry)
	}
	for _, set := range []struct {
		on   bool
		call func()
	}{
		{o.options.ErrorOnInlineDuplicates, enc.ErrorOnInlineDuplicates},
		{o.options.IntMinSize, enc.IntMinSize},
		{o.options.NilByteSliceAsEmpty, enc.NilByteSliceAsEmpty},
		{o.options.NilMapAsEmpty, enc.NilMapAsEmpty},
		{o.options.NilSliceAsEmpty, enc.NilSliceAsEmpty},
		{o.options.OmitEmpty, enc.OmitEmpty},
		{o.options.OmitZeroStruct, enc.OmitZeroStruct},
		{o.options.StringifyMapKeysWithFmt, enc.StringifyMapKeysWithFmt},
		{o.options.UseJSONStructTags, enc.UseJSONStructTags},
	} {
		if set.on {
			set.call()
		}
	}
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (o *bsonOptions) unmarshal(doc bson.Raw, v any) error {
	if o.plain() {
		return bson.Unmarshal(doc, v)
	}
	dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(doc)))
	if o.registry != nil {
		dec.SetRegistry(o.registry)
	}
	for _, set := range []struct {
		on   bool
		call func()
	}{
		{o.options.AllowTruncatingDoubles, dec.AllowTruncatingDoubles},
		{o.options.BinaryAsSlice, dec.BinaryAsSlice},
		{o.options.DefaultDocumentM, dec.DefaultDocumentM},
		{o.options.DefaultDocumentMap, dec.DefaultDocumentMap},
		{o.options.ObjectIDAsHexString, dec.ObjectIDAsHexString},
		{o.options.UseJSONStructTags, dec.UseJSONStructTags},
		{o.options.UseLocalTimeZone, dec.UseLocalTimeZone},
		{o.options.ZeroMaps, dec.ZeroMaps},
		{o.options.ZeroStructs, dec.ZeroStructs},
	} {
		if set.on {
			set.call()
		}
	}
	return dec.Decode(v)
}

// zeroValue tells whether an _id in a value was left empty.
func zeroValue(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeNull, 0:
		return true
	case bson.TypeString:
		return v.StringValue() == ""
	case bson.TypeObjectID:
		return v.ObjectID().IsZero()
	case bson.TypeBinary:
		_, b := v.Binary()
		return len(bytes.Trim(b, "\x00")) == 0
	case bson.TypeEmbeddedDocument:
		zero := true
		err := walk(v.Value, func(_ []byte, v bson.RawValue) error {
			zero = zero && zeroValue(v)
			return nil
		})
		return zero && err == nil
	default:
		n, whole := wholeNumber(v)
		return whole && n == 0
	}
}
