package query

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var testSchema = MustSchema(`
uuid text key
name text key set
comment text std set max=10
state text std enum=up,down modify
size int std set
on bool std set
born time std
ip.address text std set
ip.netmask text std set
ports list std set
ports.name text std set
ports.speed int std
tags list std set
new.thing text std set since=9.15.1
volume_count int std alias=volume-count
root bool exp
hidden text named
password text std set writeonly
`)

const testRelease = 91400

var testRecord = Record{
	"uuid": "u1", "name": "svm*1", "comment": "a|b", "state": "up", "size": int64(3 << 20), "on": true, "born": "2026-01-02T03:04:05Z",
	"ip": Record{"address": "192.0.2.1", "netmask": "24"}, "tags": []any{"x", "y"}, "volume_count": int64(2), "root": false, "hidden": "h",
	"ports": []any{Record{"name": "e0a", "speed": int64(10)}, Record{"name": "e0b", "speed": int64(25)}},
}

func parse(t *testing.T, raw string, instance bool) (*Params, *Error) {
	t.Helper()
	return Parse(raw, testSchema, Request{Method: "GET", Instance: instance, Release: testRelease})
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		reason, fields string
		instance       bool
		want           []string
	}{
		{"a collection has the keys", "", false, []string{"name", "uuid"}},
		{"an instance has the standard ones", "", true, []string{"born", "comment", "ip", "name", "on", "ports", "size", "state", "tags", "uuid", "volume_count"}},
		{"a star is the same", "*", false, []string{"born", "comment", "ip", "name", "on", "ports", "size", "state", "tags", "uuid", "volume_count"}},
		{"two stars add the dear ones", "**", false, []string{"born", "comment", "ip", "name", "on", "ports", "root", "size", "state", "tags", "uuid", "volume_count"}},
		{"a dear one by its name", "root", false, []string{"name", "root", "uuid"}},
		{"one that no star shows, by its name", "hidden", false, []string{"hidden", "name", "uuid"}},
		{"an object means all of it", "ip", false, []string{"ip", "name", "uuid"}},
		{"one of an object", "ip.address", false, []string{"ip", "name", "uuid"}},
		{"braces", "ip.{address,netmask},on", false, []string{"ip", "name", "on", "uuid"}},
		{"all but some", "*,!ip,!ports,!tags,!born", false, []string{"comment", "name", "on", "size", "state", "uuid", "volume_count"}},
		{"a hyphen for an underscore", "volume-count", false, []string{"name", "uuid", "volume_count"}},
	} {
		p, err := parse(t, "fields="+url.QueryEscape(c.fields), c.instance)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		var got []string
		for name := range p.Selection.Apply(testRecord) {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, expected %v", c.reason, got, c.want)
		}
	}
	p, err := parse(t, "fields=ports.name,ip.address", false)
	if err != nil {
		t.Fatal(err)
	}
	got := p.Selection.Apply(testRecord)
	want := Record{"uuid": "u1", "name": "svm*1", "ip": Record{"address": "192.0.2.1"}, "ports": []any{Record{"name": "e0a"}, Record{"name": "e0b"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("below a list: %v, expected %v", got, want)
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		reason, name, value string
		want                bool
	}{
		{"the same", "state", "up", true},
		{"another", "state", "down", false},
		{"a star at the end", "name", "svm*", true},
		{"a star at the start", "name", "*1", true},
		{"stars around", "name", "*vm*", true},
		{"a star that needs more", "name", "svm*12", false},
		{"no overlap of start and end", "name", "svm*1*svm*1", false},
		{"a text that must be the end, and is not", "name", "*vm", false},
		{"one of a list", "state", "down|up", true},
		{"none of a list", "state", "down|gone", false},
		{"not", "state", "!down", true},
		{"not, and it is", "state", "!up", false},
		{"a star in quotes is a star", "name", `"svm*1"`, true},
		{"and nothing else", "name", `"svm*"`, false},
		{"a bar in braces is a bar", "comment", "{a|b}", true},
		{"less", "size", "<4MB", true},
		{"not less", "size", "<3MB", false},
		{"up to", "size", "<=3MB", true},
		{"more", "size", ">3MB", false},
		{"a range", "size", "1MB..4MB", true},
		{"a range without an end", "size", "4MB..", false},
		{"a number in another unit", "size", "3072KB", true},
		{"a time", "born", ">2026-01-01T00:00:00Z", true},
		{"below an object", "ip.address", "192.0.2.*", true},
		{"one of several values", "ports.name", "e0b", true},
		{"none of several values", "ports.name", "!e0b", false},
		{"a number of several", "ports.speed", ">20", true},
		{"everything", "comment", "*", true},
		{"a hyphen for an underscore", "volume-count", "2", true},
		{"a flag", "on", "true", true},
		{"a field that is not set", "hidden", "!x", true},
	} {
		p, err := parse(t, c.name+"="+url.QueryEscape(c.value), false)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		if got := p.Holds(testRecord); got != c.want {
			t.Errorf("%s: %s=%s is %v, expected %v", c.reason, c.name, c.value, got, c.want)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		reason, raw string
		code        int
	}{
		{"an unknown parameter", "speed=fast", 262179},
		{"a field of a later release", "new.thing=x", 262179},
		{"an unknown field to show", "fields=speed", 262197},
		{"a field of a later release to show", "fields=new.thing", 262179},
		{"braces that are open", "fields=ip.{address", 262286},
		{"a number that is none", "size=big", 262247},
		{"a flag that is none", "on=maybe", 262247},
		{"a negative page", "max_records=-1", 262185},
		{"too much patience", "return_timeout=121", 262185},
		{"a parameter twice", "name=a&name=b", 262188},
		{"an order by nothing known", "order_by=speed", 262268},
		{"an order that is none", "order_by=name+sideways", 262268},
		{"a secret in the URL", "password=x", 262202},
		{"an escape that is none", "name=%zz", 262185},
	} {
		if _, err := parse(t, c.raw, false); err == nil || err.Code != c.code {
			t.Errorf("%s: %v, expected code %d", c.reason, err, c.code)
		}
	}
	if _, err := Parse("name=x", testSchema, Request{Method: "POST", Release: testRelease}); err == nil || err.Code != 262211 {
		t.Errorf("a filter on POST: %v", err)
	}
	if _, err := parse(t, "fields=speed,name&ignore_unknown_fields=true", false); err != nil {
		t.Errorf("an unknown field that is to be ignored: %v", err)
	}
}

func TestOrder(t *testing.T) {
	p, err := parse(t, "order_by=size+desc,name", false)
	if err != nil {
		t.Fatal(err)
	}
	list := []Record{{"name": "b", "size": int64(1)}, {"name": "a", "size": int64(1)}, {"name": "c", "size": int64(20)}}
	slices.SortFunc(list, p.Compare)
	if got := list[0]["name"].(string) + list[1]["name"].(string) + list[2]["name"].(string); got != "cab" {
		t.Errorf("the order is %s, expected cab", got)
	}
}

func TestSearch(t *testing.T) {
	for raw, want := range map[string]bool{
		"query=e0b": true, "query=nothing": false, "query=192*&query_fields=ip.address": true, "query=e0b&query_fields=name": false,
	} {
		p, err := parse(t, raw, false)
		if err != nil || p.Holds(testRecord) != want {
			t.Errorf("%s: %v, expected %v", raw, err, want)
		}
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		reason, body string
		create       bool
		code         int
	}{
		{"all that can be", `{"name":"a","on":"true","size":"1MB","ip":{"address":"x"},"ports":[{"name":"e0a"}],"tags":["a"]}`, true, 0},
		{"dots in names", `{"ip.address":"x"}`, true, 0},
		{"dots and braces for the same", `{"ip.address":"x","ip":{"address":"y"}}`, true, 262188},
		{"a name twice", `{"name":"a","name":"b"}`, true, 262188},
		{"an unknown field", `{"speed":1}`, true, 262179},
		{"a field of a later release", `{"new":{"thing":"x"}}`, true, 262179},
		{"a field that cannot be set", `{"uuid":"x"}`, true, 262196},
		{"a field that cannot be changed", `{"uuid":"x"}`, false, 262203},
		{"one that can only be changed", `{"state":"up"}`, true, 262196},
		{"a value of another kind", `{"size":"big"}`, true, 262245},
		{"a value that is not one of a few", `{"state":"sideways"}`, false, 262247},
		{"a text too long", `{"comment":"12345678901"}`, true, 262247},
		{"a list where none is", `{"name":["a"]}`, true, 262255},
		{"no list where one is", `{"ports":{"name":"e0a"}}`, true, 262254},
		{"no JSON", `{"name":`, true, 262200},
		{"more than an object", `{} {}`, true, 262200},
		{"no object", `[1]`, true, 262199},
		{"nested without end", strings.Repeat(`{"ip":`, 50) + "1" + strings.Repeat("}", 50), true, 262200},
		{"nothing", ``, false, 0},
	} {
		_, err := ParseBody([]byte(c.body), testSchema, testRelease, c.create)
		if code := codeOf(err); code != c.code {
			t.Errorf("%s: code %d (%v), expected %d", c.reason, code, err, c.code)
		}
	}
}

func codeOf(err *Error) int {
	if err == nil {
		return 0
	}
	return err.Code
}

func TestRelease(t *testing.T) {
	if Release("9.9.1") >= Release("9.16.1") || Release("9.16") != 0 || Release("9.x.1") != 0 || Release("9.16.100") != 0 {
		t.Error("releases do not compare as they should")
	}
}

// FuzzQuery: no query string does harm, and what is understood can be used.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "fields=*", "fields=a.{b,c.{d}},!e", "name=!a|b*&max_records=3", "size=1KB..2PB", `name="a|b"`, "order_by=name+desc",
		"fields=ip.{address", "name={", "size=<=", "born=..", "start.id=p1", "query=*x*&query_fields=ip", "fields={{,},}",
		"name=%00%ff", "size=9223372036854775807PB",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := Parse(raw, testSchema, Request{Method: "GET", Release: testRelease})
		if err != nil {
			if err.Code == 0 || err.Message == "" {
				t.Fatalf("a refusal without code or text: %+v", err)
			}
			return
		}
		p.Holds(testRecord)
		p.Holds(Record{})
		p.Compare(testRecord, Record{})
		if _, err := json.Marshal(p.Selection.Apply(testRecord)); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(p.Next("p1"), testSchema, Request{Method: "GET", Release: testRelease})
		if err != nil || again.Start != "p1" || again.Holds(testRecord) != p.Holds(testRecord) {
			t.Fatalf("the next link of %q says something else: %v", raw, err)
		}
	})
}

// FuzzBody: no body does harm, and nothing is set that the schema does not allow.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"a"}`, `{"ip":{"address":null}}`, `{"ports":[{"name":1}]}`, `{"name":"a","name":"b"}`, `[`, `{"on":"yes"}`,
		`{"tags":[1]}`, `{"":{"":1}}`, `{"records":[{}]}`, `{"size":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Records(data)
		for _, create := range []bool{true, false} {
			b, bad := ParseBody(data, testSchema, testRelease, create)
			if bad != nil {
				var asError error = bad
				if bad.Code == 0 || errors.Unwrap(asError) != nil {
					t.Fatalf("a refusal without a code: %+v", bad)
				}
				continue
			}
			for _, path := range b.Leaves() {
				field := testSchema.find(path, testRelease)
				if field == nil || create && !field.Create || !create && !field.Modify {
					t.Fatalf("%s was set by %q", path, data)
				}
			}
		}
	})
}
