package sim

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// rich is a MetroCluster in which every kind of object is there at least once.
func rich(t *testing.T) *array {
	t.Helper()
	a := pairOf(t, func(o *Options) { o.PeerGroups = []PeerGroup{{Name: "bgp", Peer: "192.0.2.1"}} })
	a.must(201, "POST", "/svm/svms?return_timeout=5", `{"name":"p1","comment":"c","nvme":{"enabled":true},"iscsi":{"enabled":true},"nfs":{"enabled":true},`+
		`"storage":{"limit":1000000000},"aggregates":[{"name":"`+a.AggregateNames(0)[0]+`"}]}`)
	a.manage("p1", address, shoot, password)
	a.must(201, "POST", "/network/ip/interfaces", `{"name":"sub","svm":{"name":"p1"},"subnet":{"name":"data"}}`)
	a.volume("v1")
	vol := a.do("GET", "/storage/volumes?name=v1", "").records()[0]["uuid"].(string)
	a.must(202, "POST", "/storage/volumes/"+vol+"/snapshots", `{"name":"s1"}`)
	check(t, a.Relate("p1", "dr:"))
	a.mustOn(0, 202, "PATCH", "/cluster/metrocluster?action=switchover", "")
	check(t, a.Switchback())
	return a
}

// leaves gives the dotted paths of a record's values.
func leaves(v any, at string) []string {
	var out []string
	switch v := v.(type) {
	case query.Record:
		for name, inner := range v {
			path := name
			if at != "" {
				path = at + "." + name
			}
			out = append(out, leaves(inner, path)...)
		}
		return out
	case []any:
		for _, e := range v {
			if _, isObject := e.(query.Record); isObject {
				out = append(out, leaves(e, at)...)
			}
		}
		return out
	}
	return []string{at}
}

// TestRecordsFitTheirSchema: a value that the schema does not name would never
// be shown, and one that is of another kind could not be filtered by.
func TestRecordsFitTheirSchema(t *testing.T) {
	a := rich(t)
	shown := 0
	for _, res := range a.routes {
		known := map[string]bool{}
		for _, f := range res.schema.Fields {
			known[f.Path] = true
		}
		for _, r := range a.recordsOf(res) {
			shown++
			for _, path := range leaves(r, "") {
				if !known[path] {
					t.Errorf("%s: a record has %s, and the schema does not", strings.Join(res.path, "/"), path)
				}
			}
			for _, f := range res.schema.Fields {
				for _, v := range query.Values(r, f.Path) {
					if !kindFits(f.Kind, v) {
						t.Errorf("%s: %s is a %T", strings.Join(res.path, "/"), f.Path, v)
					}
				}
			}
		}
	}
	if shown < 50 {
		t.Errorf("only %d records were looked at", shown)
	}
}

func kindFits(k query.Kind, v any) bool {
	switch v.(type) {
	case string:
		return k == query.Text || k == query.Time || k == query.List
	case int64:
		return k == query.Number
	case bool:
		return k == query.Flag
	case query.Record:
		return k == query.List
	}
	return false
}

func (a *array) recordsOf(res *resource) []query.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.inside(a.world.Sites[0], a.settle())
	p, bad := query.Parse("fields=**", res.schema, query.Request{Method: http.MethodGet, Release: a.release})
	if bad != nil {
		a.t.Fatal(bad)
	}
	c.res, c.params, c.method = res, p, http.MethodGet
	if slices.Contains(res.path, "{}") {
		c.above = []string{c.site.Volumes[len(c.site.Volumes)-1].UUID}
		if res.lone {
			c.above = []string{c.site.SVMs[0].UUID}
		}
	}
	if res.single {
		return []query.Record{res.get(c)}
	}
	var out []query.Record
	if res.list != nil {
		for it := range res.list(c) {
			out = append(out, it.record())
		}
	}
	return out
}

// TestEverythingCanBeRead: each collection, and each of its instances by the link
// that it bears.
func TestEverythingCanBeRead(t *testing.T) {
	a := rich(t)
	for _, res := range a.routes {
		if res.list == nil || slices.Contains(res.path, "{}") {
			continue
		}
		path := "/" + strings.Join(res.path, "/")
		r := a.must(200, "GET", path+"?fields=**", "")
		for _, rec := range r.records() {
			links, _ := rec["_links"].(map[string]any)
			self, _ := links["self"].(map[string]any)
			href, _ := self["href"].(string)
			a.must(200, "GET", strings.TrimPrefix(href, "/api"), "")
		}
		for _, f := range res.schema.Fields {
			if f.WriteOnly || f.Kind == query.List {
				continue
			}
			if found := a.must(200, "GET", path+"?"+f.Path+"=*", ""); found.body["num_records"] != r.body["num_records"] {
				t.Errorf("%s?%s=*: %v of %v", path, f.Path, found.body["num_records"], r.body["num_records"])
			}
			a.must(200, "GET", path+"?order_by="+f.Path, "")
		}
	}
}

// TestAccountsEnd: who can be deleted, and who cannot.
func TestAccountsEnd(t *testing.T) {
	a := managed(t, nil)
	cluster := "/security/accounts/" + a.Cluster(0).UUID() + "/"
	if r := a.do("DELETE", cluster+"admin", ""); r.code() != "5636125" {
		t.Errorf("the administrator: %s", r.raw)
	}
	if r := a.do("PATCH", cluster+"admin", `{"locked":true}`); r.code() != "5636098" {
		t.Errorf("the last administrator is locked: %s", r.raw)
	}
	a.must(200, "DELETE", a.accountPath(), "")
	a.must(404, "DELETE", a.accountPath(), "")
	if got := a.login(password); got != 401 {
		t.Errorf("an account that has gone: status %d", got)
	}
}

// TestLIFsMove: a change of address, a move, and the way home.
func TestLIFsMove(t *testing.T) {
	a := managed(t, nil)
	v, _ := a.Dump().Find("p1")
	path, nodes := "/network/ip/interfaces/"+v.LIFs[0].UUID, a.NodeNames(0)
	look := func() LIFDump {
		v, _ := a.Dump().Find("p1")
		return v.LIFs[0]
	}
	a.must(200, "PATCH", path, `{"location":{"node":{"name":"`+nodes[1]+`"}}}`)
	if l := look(); l.IsHome || l.Node != nodes[1] {
		t.Errorf("after the move: %+v", l)
	}
	if r := a.do("PATCH", path, `{"location":{"is_home":false}}`); r.code() != "1967389" {
		t.Errorf("it cannot be sent away: %s", r.raw)
	}
	a.must(200, "PATCH", path, `{"location":{"is_home":true}}`)
	if l := look(); !l.IsHome || l.Node != nodes[0] {
		t.Errorf("after the way home: %+v", l)
	}
	a.must(200, "PATCH", path, `{"ip":{"address":"192.0.2.55"}}`)
	if l := look(); l.Address != "192.0.2.55" || l.Bits != 24 {
		t.Errorf("after the new address: %+v", l)
	}
	if r := a.do("PATCH", path, `{"name":"other","ip":{"netmask":"99"}}`); r.code() != "1966269" || look().Name != "mgmt" {
		t.Errorf("half of a change was made: %s %+v", r.raw, look())
	}
}

// TestWaitingOnAClockThatCannotWake: the wall clock bounds the wait.
func TestWaitingOnAClockThatCannotWake(t *testing.T) {
	a := newArray(t, func(o *Options) { o.Times = slow() })
	a.must(202, "POST", "/svm/svms?return_timeout=1", `{"name":"p1"}`) // the clock stands
	ended := make(chan reply, 1)
	go func() { ended <- a.do("POST", "/svm/svms?return_timeout=60", `{"name":"p2"}`) }()
	poll(t, func() bool { return len(a.Dump().Clusters[0].Jobs) == 2 })
	a.clock.forward(slow().JobQueued + slow().Job)
	if r := <-ended; r.status != 201 {
		t.Errorf("the clock went on, and nobody noticed: %s", r.raw)
	}
}
