package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Place is a populated place in the new shape, which is the type that the service works with.
type Place struct {
	ID       string   `json:"id" bson:"_id" dynamodbav:"id"`
	Name     string   `json:"name" bson:"name" dynamodbav:"name"`
	Country  string   `json:"country" bson:"country" dynamodbav:"country"`
	Location Location `json:"location" bson:"location" dynamodbav:"location"`
	Admin    Admin    `json:"admin,omitzero" bson:"admin,omitempty" dynamodbav:"admin"`
}

// Location is a position in degrees.
type Location struct {
	Lon float64 `json:"lon" bson:"lon" dynamodbav:"lon"`
	Lat float64 `json:"lat" bson:"lat" dynamodbav:"lat"`
}

// Admin names the administrative divisions that a place is in. An empty level is not stored.
type Admin struct {
	Level1 string `json:"level1,omitempty" bson:"level1,omitempty" dynamodbav:"level1,omitempty"`
	Level2 string `json:"level2,omitempty" bson:"level2,omitempty" dynamodbav:"level2,omitempty"`
}

// oldPlace is the old shape: numbers as strings, everything on one level, empty fields stored.
type oldPlace struct {
	ID      string `json:"id" bson:"_id" dynamodbav:"id"`
	Name    string `json:"name" bson:"name" dynamodbav:"name"`
	Lat     string `json:"lat" bson:"lat" dynamodbav:"lat"`
	Lng     string `json:"lng" bson:"lng" dynamodbav:"lng"`
	Country string `json:"country" bson:"country" dynamodbav:"country"`
	Admin1  string `json:"admin1" bson:"admin1" dynamodbav:"admin1"`
	Admin2  string `json:"admin2" bson:"admin2" dynamodbav:"admin2"`
}

var placeFields = []string{"id", "name", "lat", "lng", "country", "admin1", "admin2"}

func placeShape() shape[Place] {
	return shape[Place]{
		name:      "places (© GeoNames, CC BY 4.0)",
		change:    "{id, name, lat, lng, country, admin1, admin2} → {id, name, country, location: {lon, lat}, admin: {level1, level2}}",
		parse:     parsePlace,
		encodeOld: func(dst []byte, p Place) ([]byte, error) { return appendJSON(dst, p.old()) },
		decodeOld: decodeOldPlace,
		encodeNew: func(dst []byte, p Place) ([]byte, error) { return appendJSON(dst, p) },
		decodeNew: func(b []byte) (p Place, err error) { return p, json.Unmarshal(b, &p) },
		fresh:     freshPlace,
		edit:      editPlace,

		oldDocuments: documents[Place]{encode: encodeOldDocument, decode: decodeOldDocument},
		newDocuments: documents[Place]{encode: encodeNewDocument, decode: decodeNewDocument},
		oldItems:     items[Place]{encode: encodeOldItem, decode: decodeOldItem},
		newItems:     items[Place]{encode: encodeNewItem, decode: decodeNewItem},
	}
}

// old maps a place to the old shape.
func (p Place) old() oldPlace {
	return oldPlace{
		ID: p.ID, Name: p.Name, Country: p.Country,
		Lat: formatDegrees(p.Location.Lat), Lng: formatDegrees(p.Location.Lon),
		Admin1: p.Admin.Level1, Admin2: p.Admin.Level2,
	}
}

// place maps the old shape to a place. The error names every field that has no counterpart.
func (o oldPlace) place() (Place, error) {
	lat, latErr := parseDegrees("lat", o.Lat, 90)
	lon, lonErr := parseDegrees("lng", o.Lng, 180)
	return Place{
		ID: o.ID, Name: o.Name, Country: o.Country,
		Location: Location{Lon: lon, Lat: lat},
		Admin:    Admin{Level1: o.Admin1, Level2: o.Admin2},
	}, errors.Join(latErr, lonErr)
}

func decodeOldPlace(b []byte) (Place, error) {
	var o oldPlace
	if err := json.Unmarshal(b, &o); err != nil {
		return Place{}, err
	}
	return o.place()
}

// parsePlace reads a line of input: exactly the fields of the old shape, so that none is dropped on the way.
func parsePlace(line []byte) (string, Place, error) {
	fields, err := objectFields(line)
	if err != nil {
		return "", Place{}, err
	}
	var o oldPlace
	var wrong []error
	for i, into := range []*string{&o.ID, &o.Name, &o.Lat, &o.Lng, &o.Country, &o.Admin1, &o.Admin2} {
		raw, ok := fields[placeFields[i]]
		if delete(fields, placeFields[i]); !ok {
			wrong = append(wrong, fmt.Errorf("%s is missing", placeFields[i]))
		} else if raw[0] != '"' {
			wrong = append(wrong, fmt.Errorf("%s is %s, want a string", placeFields[i], shorten(raw)))
		} else if err := json.Unmarshal(raw, into); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", placeFields[i], err))
		} else if strings.ContainsRune(*into, utf8.RuneError) {
			wrong = append(wrong, fmt.Errorf("%s: %s has a character that is no Unicode text", placeFields[i], shorten(raw)))
		}
	}
	for name := range fields {
		wrong = append(wrong, fmt.Errorf("%q has no counterpart in the new shape", name))
	}
	if len(wrong) > 0 {
		return "", Place{}, errors.Join(wrong...)
	}
	p, err := o.place()
	return p.ID, p, errors.Join(checkID(p.ID), err)
}

// formatDegrees is the shortest plain decimal that parseDegrees reads as d.
func formatDegrees(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

// parseDegrees takes plain decimals that a float64 keeps to the last digit. What has two spellings or could be rounded
// (an exponent, -0, twenty digits) is refused, as it could not be given back as it was.
func parseDegrees(name, s string, limit float64) (float64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !isDigits(whole) || point && !isDigits(fraction) {
		return 0, fmt.Errorf("%s: %q is no plain decimal number", name, s)
	}
	d, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.Abs(d) > limit:
		return 0, fmt.Errorf("%s: %q is not between -%v and %v", name, s, limit, limit)
	case d == 0 && negative:
		return 0, fmt.Errorf("%s: %q is a negative zero, which no number in the new shape keeps", name, s)
	}
	whole = strings.TrimLeft(whole[:len(whole)-1], "0") + whole[len(whole)-1:]
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if whole != formatDegrees(math.Abs(d)) {
		return 0, fmt.Errorf("%s: %q has more digits than a number in the new shape keeps", name, s)
	}
	return d, nil
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func freshPlace(id string, n int64) Place {
	return Place{
		ID: id, Name: fmt.Sprintf("Newtown #%d", n), Country: "ZZ",
		Location: Location{Lon: float64(n%360_0000)/1e4 - 180, Lat: 12.5},
	}
}

// editPlace renames a place and moves it east by a hundred-thousandth of a degree.
func editPlace(p *Place, n int64) {
	name, _, _ := strings.Cut(p.Name, " #")
	p.Name = fmt.Sprintf("%s #%d", name, n)
	east := math.Round(p.Location.Lon*1e5) + 1
	if east > 180e5 {
		east -= 360e5
	}
	p.Location.Lon = east/1e5 + 0 // never -0
}
