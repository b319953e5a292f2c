package ontap_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

type heard struct {
	mu    sync.Mutex
	calls []ontap.Call
}

func (h *heard) Called(c ontap.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

func TestTheObserverHearsOfEveryRequest(t *testing.T) {
	f := newFake(t, func(n int, r *http.Request) (int, string) {
		switch n {
		case 1:
			return 429, errorText("262160", "too many")
		case 2:
			return 200, clusterText
		}
		return 409, errorText("1966140", "exists")
	})
	var h heard
	c := f.client(t, func(o *ontap.Options) { o.Observer, o.Clock = &h, newWaiter() })
	if _, err := c.Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "lif", Subnet: "s"})
	if !ontap.IsDuplicate(err) {
		t.Fatal(err)
	}
	f.CloseClientConnections()
	f.Close()
	if _, err := c.Cluster(t.Context()); err == nil {
		t.Fatal("an array that is gone answers")
	}
	if err := c.DeleteInterface(t.Context(), "x"); err == nil {
		t.Fatal("nonsense is sent")
	}
	body := int64(len(f.requests()[2].body))
	want := []ontap.Call{
		{Array: "a1", Name: "read cluster", Outcome: flow.Refused, Status: 429, Code: "262160", Received: int64(len(errorText("262160", "too many")))},
		{Array: "a1", Name: "read cluster", Outcome: flow.Done, Status: 200, Received: int64(len(clusterText))},
		{Array: "a1", Name: "create interface", Outcome: flow.Refused, Status: 409, Code: "1966140", Sent: body, Received: int64(len(errorText("1966140", "exists")))},
		{Array: "a1", Name: "read cluster", Outcome: flow.Unknown},
	}
	if len(h.calls) != len(want) || body == 0 {
		t.Fatalf("heard %+v", h.calls)
	}
	for i, got := range h.calls {
		if got != want[i] {
			t.Errorf("heard %+v, want %+v", got, want[i])
		}
	}
}
