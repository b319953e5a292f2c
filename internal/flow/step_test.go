package flow_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
)

// fixed is a step that always sees the same and must not act.
func fixed(name string, sight flow.Sight, err error, needs ...string) flow.Step {
	return flow.Step{
		Name: name, Needs: needs,
		Look: func(context.Context) (flow.Sight, error) { return sight, err },
		Act:  func(context.Context) error { panic("a plan acted on " + name) },
	}
}

func TestValidateRefusesWhatIsBuiltWrongly(t *testing.T) {
	ok := flow.Sight{Done: true}
	noAct := fixed("a", ok, nil)
	noAct.Act = nil
	noLook := fixed("a", ok, nil)
	noLook.Look = nil
	cases := []struct {
		reason string
		f      flow.Flow
		want   string
	}{
		{"a sound flow", flow.Flow{Name: "f", Steps: []flow.Step{fixed("a", ok, nil), fixed("b", ok, nil, "a")}}, ""},
		{"failures are counted by flow, so it has a name", flow.Flow{}, "no name"},
		{"a step has a name", flow.Flow{Name: "f", Steps: []flow.Step{fixed("", ok, nil)}}, "step 1 has no name"},
		{"failures are counted by step, so names differ", flow.Flow{Name: "f", Steps: []flow.Step{fixed("a", ok, nil), fixed("a", ok, nil)}}, "two steps"},
		{"a step without an act", flow.Flow{Name: "f", Steps: []flow.Step{noAct}}, "both a look and an act"},
		{"a step without a look", flow.Flow{Name: "f", Steps: []flow.Step{noLook}}, "both a look and an act"},
		{"a need that was mistyped", flow.Flow{Name: "f", Steps: []flow.Step{fixed("a", ok, nil, "bb")}}, "not a step"},
		{"a step that needs itself", flow.Flow{Name: "f", Steps: []flow.Step{fixed("a", ok, nil, "a")}}, "need each other"},
		{"a long cycle", flow.Flow{Name: "f", Steps: []flow.Step{
			fixed("a", ok, nil, "c"), fixed("b", ok, nil, "a"), fixed("c", ok, nil, "b")}}, "need each other"},
		{"an order that could never run", flow.Flow{Name: "f", Steps: []flow.Step{fixed("a", ok, nil, "b"), fixed("b", ok, nil)}}, "listed after"},
	}
	for _, c := range cases {
		err := c.f.Validate()
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
		}
	}
}

func TestPlanSaysWhatItKnowsAndWhatNot(t *testing.T) {
	f := flow.Flow{Name: "heal", Subject: "c1", Steps: []flow.Step{
		fixed("place", flow.Sight{Done: true, Why: "mark 7f seen"}, nil),
		fixed("record", flow.Sight{Next: "write the record again", Why: "absent;\nthe substance is whole"}, nil, "place"),
		fixed("lease", flow.Sight{Blocked: true, Why: "held by b"}, nil),
		fixed("members", flow.Sight{}, errors.New("dial b: timeout")),
		fixed("spec", flow.Sight{Done: true}, nil, "record", "lease"),
	}}
	want := `plan of heal c1
STEP     STATE          WHAT                    WHY
place    done           -                       mark 7f seen
record   would act      write the record again  absent; the substance is whole
lease    blocked        -                       held by b
members  look failed    -                       dial b: timeout
spec     not known yet  -                       needs record, lease
`
	if got := flow.Plan(t.Context(), f).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlanOfAnInvalidFlowLooksAtNothing(t *testing.T) {
	s := fixed("a", flow.Sight{}, nil, "gone")
	s.Look = func(context.Context) (flow.Sight, error) { t.Error("looked"); return flow.Sight{}, nil }
	r := flow.Plan(t.Context(), flow.Flow{Name: "f", Steps: []flow.Step{s}})
	if r.Err == nil || len(r.Steps) != 0 || !strings.Contains(r.String(), "invalid") {
		t.Errorf("got %+v", r)
	}
}
