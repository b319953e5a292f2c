package agent

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
)

// fill gives every field of v a value that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(1000+*n), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Exists" {
				continue // of a look, not of a memory
			}
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf("value"))
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(1 + *n%3)) // a finding
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	default:
		panic(v.Kind())
	}
}

func TestEveryFieldOfATestimonyCrossesTheWire(t *testing.T) {
	var sent Testimony
	n := 0
	fill(reflect.ValueOf(&sent).Elem(), &n)
	wire, err := proto.Marshal(testimonyToProto(sent))
	if err != nil {
		t.Fatal(err)
	}
	var got agentv1.Testimony
	if err := proto.Unmarshal(wire, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, testimonyFromProto(&got)); diff != "" {
		t.Fatalf("lost on the wire:\n%s", diff)
	}
	fields := got.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if !got.ProtoReflect().Has(fields.Get(i)) {
			t.Errorf("field %s of the protocol is never set", fields.Get(i).Name())
		}
	}
}

func TestUnknownFindingIsUnknown(t *testing.T) {
	if f := findingFrom(agentv1.Finding(77)); f != 0 {
		t.Fatalf("got %s", f)
	}
}
