package mongostore

import (
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Values in unexported fields are refused: the driver would store an empty document of them.
func TestHiddenValuesAreRefused(t *testing.T) {
	t.Parallel()
	type item struct {
		Price *big.Int `bson:"price"`
	}
	type order struct {
		Items map[string][]item `bson:"items"`
	}
	if _, err := (&Options[string, order]{}).build(); err == nil || !strings.Contains(err.Error(), "order.items[].price is a big.Int") {
		t.Errorf("got %v", err)
	}
	reg := bson.NewRegistry()
	reg.RegisterTypeEncoder(reflect.TypeFor[big.Int](), bson.ValueEncoderFunc(func(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
		return w.WriteString(v.Addr().Interface().(*big.Int).String())
	}))
	if _, err := (&Options[string, order]{Registry: reg}).build(); err != nil {
		t.Errorf("with an encoder for it: %v", err)
	}
	type all struct {
		Nothing struct{}        `bson:"nothing"`
		When    time.Time       `bson:"when"`
		Price   bson.Decimal128 `bson:"price"`
		URL     url.URL         `bson:"url"`
		Skipped big.Int         `bson:"-"`
		Any     any             `bson:"any"`
		Min     bson.MinKey     `bson:"min"`
		Next    *all            `bson:"next"`
	}
	if _, err := (&Options[string, all]{}).build(); err != nil {
		t.Error(err)
	}
}
