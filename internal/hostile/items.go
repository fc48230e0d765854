package hostile

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is an item of DynamoDB, or a part of one.
type Item = map[string]types.AttributeValue

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n any) types.AttributeValue    { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }
func avB(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func avM(nameAndValue ...any) types.AttributeValue {
	m := Item{}
	for i := 0; i < len(nameAndValue); i += 2 {
		m[nameAndValue[i].(string)] = nameAndValue[i+1].(types.AttributeValue)
	}
	return &types.AttributeValueMemberM{Value: m}
}

// Items have a value of each type, each empty value that there is, numbers at the limits, and names that are syntax
// elsewhere.
func Items() map[string]Item {
	null, yes, no := &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberBOOL{}
	list := func(all ...types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberL{Value: append([]types.AttributeValue{}, all...)}
	}
	strs := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
	nums := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: all} }
	bytes := func(all ...[]byte) types.AttributeValue { return &types.AttributeValueMemberBS{Value: all} }
	digits := "12345678901234567890123456789012345678"
	deep := avM("m", avN(1))
	for range 15 {
		deep = avM("m", list(deep))
	}
	items := map[string]Item{
		"integers":     {"38": avN(digits), "negative": avN("-" + digits), "zero": avN(0), "minus zero": avN("-0"), "zeros": avN("1" + strings.Repeat("0", 37))},
		"fractions":    {"38": avN("0." + digits), "both": avN(digits[:19] + "." + digits[19:]), "trailing": avN("1.50"), "exponent": avN("1.5E+10")},
		"ends":         {"most": avN("9." + strings.Repeat("9", 37) + "E125"), "least": avN("-9." + strings.Repeat("9", 37) + "E125"), "small": avN("1E-130"), "minus": avN("-1E-130")},
		"empty":        {"list": list(), "map": avM(), "text": avS(""), "binary": avB([]byte{}), "nested": avM("list", list(list(), avM(), avS(""), avB([]byte{})))},
		"sets":         {"text": strs("b", "a", ""), "numbers": nums("2", "-1", "10", "0.5", digits), "binary": bytes([]byte{255, 0}, []byte{}, []byte("x"))},
		"one of a set": {"text": strs("a"), "numbers": nums("0"), "binary": bytes([]byte{0})},
		"scalars":      {"null": null, "yes": yes, "no": no, "text": avS("a\x00b \u2028 😀 ünï"), "binary": avB([]byte{0, 255, 128, 10})},
		"nested":       {"all": list(null, yes, no, avN(digits), avS(""), strs("x", "y"), nums("1"), bytes([]byte{1}), avM("a", list(null)))},
		"deep":         {"deep": deep},
		"large":        {"text": avS(strings.Repeat("ü", 100<<10)), "binary": avB(make([]byte, 100<<10))},
		"only a key":   {},
		"letters":      {"name": avS("right"), "Name": avS("other"), "NAME": avN(1), "nested": avM("name", avS("right"), "Name", avN(2))},
		"other":        {"NAME": avS("only"), "nested": avM("Name", avS("only"))},
	}
	for _, name := range []string{"a.b", "#x", ":y", "with space", " ", "it's", `"quoted"`, "back\\slash", "a[0]", "select", "size", "ünï 日本", "$x", "a#b:c.d e", "\n", strings.Repeat("n", 255)} {
		items["name "+name[:min(len(name), 20)]] = Item{name: avS("top"), "nested": avM(name, avM(name, list(avN(digits))))}
	}
	return items
}
