package sim

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// adminOf serves an array's admin socket and gives a caller for it.
func adminOf(t *testing.T, a *array) func(method, path, body string) (int, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.ServeAdmin(ctx, socket) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("the socket was left behind")
		}
	})
	poll(t, func() bool { _, err := os.Stat(socket); return err == nil })
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v, expected mode 0600", info, err)
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	client := &http.Client{Transport: tr}
	return func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://sim/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b strings.Builder
		if err := resp.Write(&b); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b.String()
	}
}

// TestAdminSocket goes through every order once.
func TestAdminSocket(t *testing.T) {
	a := pairOf(t, func(o *Options) { o.PeerGroups = []PeerGroup{{Name: "bgp"}} })
	a.svm("p1")
	a.volume("v1")
	node := a.NodeNames(0)[0]
	order := adminOf(t, a)
	done := map[string]bool{}
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"inject", `{"kind":"slow","path":"/api/cluster","delay":"1ms","kth":2}`, 200},
		{"inject", `{"kind":"slow","delay":"soon"}`, 409},
		{"inject", `{"kind":"nonsense"}`, 409},
		{"inject", `{"sort":"slow"}`, 400},
		{"clear-faults", ``, 200},
		{"svm-state", `{"name":"p1","state":"initializing"}`, 200},
		{"svm-state", `{"name":"p9","state":"running"}`, 409},
		{"svm-state", `{"name":"p1"}`, 200},
		{"lock-svm", `{"name":"p1","on":true}`, 200},
		{"lock-svm", `{"name":"p1"}`, 200},
		{"replace-certificate", `{"name":"p1"}`, 200},
		{"license", `{"name":"nvme_of"}`, 200},
		{"peers", `{"cluster":1,"on":false}`, 200},
		{"port", `{"node":"` + node + `","name":"e0d"}`, 200},
		{"node-state", `{"node":"` + node + `","state":"booting"}`, 200},
		{"node-state", `{"node":"` + node + `","state":"up"}`, 200},
		{"takeover", `{"node":"` + node + `"}`, 200},
		{"giveback", `{"node":"` + node + `"}`, 200},
		{"fill", `{"name":"p1","volume":"v1","used":1000}`, 200},
		{"relate", `{"name":"p1","target":"dr:"}`, 200},
		{"unrelate", `{"name":"p1"}`, 200},
		{"unreachable", `{"cluster":1,"on":true}`, 200},
		{"switchover", `{"survivor":2}`, 200},
		{"switchback", ``, 409},
		{"unreachable", `{"cluster":1}`, 200},
		{"switchback", ``, 200},
		{"stop-without-switchover", `{"cluster":1}`, 200},
		{"forget-requests", ``, 200},
	} {
		done[c.path] = true
		if status, said := order("POST", c.path, c.body); status != c.status {
			t.Errorf("%s %s: %s, expected %d", c.path, c.body, said, c.status)
		}
	}
	for name := range a.orders() {
		if !done[name] {
			t.Errorf("the order %s was not tried", name)
		}
	}
	if v, _ := a.Dump().Find("p1"); v.State != "stopped" {
		t.Errorf("at the end the SVM is %s, expected stopped", v.State)
	}
}

func TestAdminSocketShows(t *testing.T) {
	a := managed(t, nil)
	order := adminOf(t, a)
	for path, want := range map[string]string{"dump": `"Name": "p1"`, "requests": `"Path": "/api/svm/svms"`, "doubts": `"LIFMustBeDown": false`} {
		if status, said := order("GET", path, ""); status != 200 || !strings.Contains(said, want) || strings.Contains(said, password) {
			t.Errorf("%s: %s", path, said)
		}
	}
	if status, said := order("POST", "doubts", `{"LIFMustBeDown":true}`); status != 200 || !a.doubt().LIFMustBeDown {
		t.Errorf("a doubt: %s", said)
	}
	if r := a.do("DELETE", "/network/ip/interfaces?name=mgmt", ""); r.code() != "1376965" {
		t.Errorf("the doubt did not take: %s", r.raw)
	}
}

func TestOneAdminSocket(t *testing.T) {
	a := newArray(t, nil)
	socket := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(socket, nil, 0o600); err != nil { // what a crash leaves does not hinder
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.ServeAdmin(ctx, socket) }()
	poll(t, func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if err := a.ServeAdmin(ctx, socket); err == nil {
		t.Error("a second one took the socket of the first")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
