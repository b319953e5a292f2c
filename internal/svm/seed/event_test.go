package seed_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// events are those of the namespace, as reason and count.
func (p place) events(t *testing.T) map[string]int {
	t.Helper()
	got := map[string]int{}
	for _, it := range p.behind(t, http.StatusOK, http.MethodGet, "/api/v1/namespaces/"+p.namespace+"/events", nil)["items"].([]any) {
		e := it.(map[string]any)
		about := e["involvedObject"].(map[string]any)
		got[fmt.Sprint(about["name"], " ", e["type"], " ", e["reason"])] += int(e["count"].(float64))
		got["objects"]++
	}
	return got
}

func TestEventsAreCountedUp(t *testing.T) {
	p := newPlace(t)
	clock := flowtest.NewFakeClock()
	s, ctx := p.store(t, func(o *seed.Options) { o.Clock = clock }), t.Context()
	r := s.Record(ctx, "p1") // it need not be there
	tell := func(reason, message string) {
		t.Helper()
		if err := s.Event(ctx, r.Ref(), "Warning", reason, message); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		tell("Unproven", "array-a is silent")
	}
	tell("Unproven", "array-b is silent")
	tell("DataLost", strings.Repeat("x", 4000))
	want := map[string]int{"svm-record-p1 Warning Unproven": 4, "svm-record-p1 Warning DataLost": 1, "objects": 3}
	if got := p.events(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, expected %v", got, want)
	}
	clock.Advance(time.Hour)
	tell("Unproven", "array-a is silent")
	if got := p.events(t); got["objects"] != 4 {
		t.Errorf("after an hour: %v", got)
	}
	// One that was taken away in between is told anew.
	p.behind(t, http.StatusOK, http.MethodDelete, "/api/v1/namespaces/"+p.namespace+"/events", nil)
	tell("Unproven", "array-a is silent")
	if got := p.events(t); got["objects"] != 1 || got["svm-record-p1 Warning Unproven"] != 1 {
		t.Errorf("after they were taken away: %v", got)
	}
	if err := s.Event(ctx, r.Ref(), "Alarm", "x", "x"); err == nil {
		t.Error("a type that Kubernetes does not know was taken")
	}
}

// An event that could not be told is told again, not counted up.
func TestAnEventThatWasNotTold(t *testing.T) {
	p := newPlace(t)
	s := p.store(t, faults(fault.NewInjector(1, fault.FailedBefore)))
	ref := seed.Record{Name: "p1"}.Ref()
	if err := s.Event(t.Context(), ref, "Normal", "Born", "it runs"); err == nil {
		t.Fatal("it was not struck")
	}
	if err := s.Event(t.Context(), ref, "Normal", "Born", "it runs"); err != nil {
		t.Fatal(err)
	}
	if got := p.events(t); got["svm-record-p1 Normal Born"] != 1 {
		t.Errorf("got %v", got)
	}
}
