package mongostore

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"reflect"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// appendCanonical appends type and value, so that ids which are equal to the server are equal bytes.
func appendCanonical(dst []byte, v bson.RawValue) ([]byte, error) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		v = canonicalNumber(v)
	case bson.TypeSymbol:
		v.Type = bson.TypeString
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		d := openDocument(len(v.Value))
		err := walk(v.Value, func(name []byte, v bson.RawValue) error {
			b, err := appendCanonical(nil, v)
			if err == nil {
				d.append(string(name), bson.RawValue{Type: bson.Type(b[0]), Value: b[1:]})
			}
			return err
		})
		return append(append(dst, byte(v.Type)), d.close()...), err
	}
	return append(append(dst, byte(v.Type)), v.Value...), nil
}

// sameID tells whether two ids are equal to the server.
func sameID(a, b bson.RawValue) (bool, error) {
	if a.Equal(b) {
		return true, nil
	}
	ca, err := appendCanonical(nil, a)
	if err != nil {
		return false, err
	}
	cb, err := appendCanonical(nil, b)
	return bytes.Equal(ca, cb), err
}

// canonicalNumber is the same number as an int64 if it is one, else as a double if it is one, else as a decimal without
// zeros at its end.
func canonicalNumber(v bson.RawValue) bson.RawValue {
	if n, whole := wholeNumber(v); whole {
		return int64Value(n)
	}
	if v.Type == bson.TypeDouble {
		return doubleValue(v.Double())
	}
	d := v.Decimal128()
	n, exp, err := d.BigInt()
	if err != nil {
		if d.IsNaN() {
			return doubleValue(math.NaN())
		}
		return doubleValue(math.Inf(d.IsInf()))
	}
	// Beyond these no decimal equals a double.
	if exp > -1100 && exp < 310 {
		if f, exact := rational(n, exp).Float64(); exact {
			return doubleValue(f)
		}
	}
	for ten, rest, q := big.NewInt(10), new(big.Int), new(big.Int); ; exp++ {
		if q.QuoRem(n, ten, rest); rest.Sign() != 0 {
			break
		}
		n.Set(q)
	}
	return decimalValue(n, exp)
}

// rational is n × 10^exp.
func rational(n *big.Int, exp int) *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp < 0 {
		return new(big.Rat).SetFrac(n, power)
	}
	return new(big.Rat).SetInt(power.Mul(power, n))
}

func doubleValue(f float64) bson.RawValue {
	if math.IsNaN(f) {
		f = math.NaN() // one of the many
	}
	return bson.RawValue{Type: bson.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))}
}

func decimalValue(n *big.Int, exp int) bson.RawValue {
	d, _ := bson.ParseDecimal128FromBigInt(n, exp) // it was one
	high, low := d.GetBytes()
	b := binary.LittleEndian.AppendUint64(nil, low)
	return bson.RawValue{Type: bson.TypeDecimal128, Value: binary.LittleEndian.AppendUint64(b, high)}
}

// wholeNumber tells whether v equals an int64, whatever numeric type it has.
func wholeNumber(v bson.RawValue) (int64, bool) {
	switch v.Type {
	case bson.TypeInt32:
		return int64(v.Int32()), true
	case bson.TypeInt64:
		return v.Int64(), true
	case bson.TypeDouble:
		f := v.Double()
		if f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63 {
			return int64(f), true
		}
	case bson.TypeDecimal128:
		if n, exp, err := v.Decimal128().BigInt(); err == nil {
			return wholeDecimal(n, exp)
		}
	}
	return 0, false
}

// wholeDecimal is n × 10^exp, if that is an int64.
func wholeDecimal(n *big.Int, exp int) (int64, bool) {
	switch {
	case n.Sign() == 0:
		return 0, true
	case exp > 19 || exp < -34: // a decimal has 34 digits
		return 0, false
	}
	r := rational(n, exp)
	return r.Num().Int64(), r.IsInt() && r.Num().IsInt64()
}

// decimals is a registry that decodes any number as a decimal, which canonical forms need that have it as an integer.
func decimals() *bson.Registry {
	reg := bson.NewRegistry()
	t := reflect.TypeFor[bson.Decimal128]()
	usual, err := reg.LookupDecoder(t)
	if err != nil {
		return reg
	}
	reg.RegisterTypeDecoder(t, bson.ValueDecoderFunc(func(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
		var text string
		switch vr.Type() {
		case bson.TypeInt64:
			n, err := vr.ReadInt64()
			if err != nil {
				return err
			}
			text = strconv.FormatInt(n, 10)
		case bson.TypeDouble:
			f, err := vr.ReadDouble()
			if err != nil {
				return err
			}
			text = strconv.FormatFloat(f, 'e', 33, 64) // all 34 digits of a decimal
		default:
			return usual.DecodeValue(dc, vr, v)
		}
		d, err := bson.ParseDecimal128(text)
		v.Set(reflect.ValueOf(d))
		return err
	}))
	return reg
}
