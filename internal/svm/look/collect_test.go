package look_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// Of one state of the array, a collection and a look say the same, whatever is
// on it.
func TestACollectionSaysWhatALookSays(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		s := newSim(t, func(o *sim.Options) {
			o.Clusters, o.Version = 1+int(seed)%2, []string{"9.12.1", "9.14.1", "9.16.1"}[seed%3]
		})
		furnishAtRandom(t, s, rnd)
		if seed%3 == 0 {
			must(t, "take a licence", s.SetLicensed(0, "nfs", false))
		}
		if seed == 5 {
			must(t, "switch over", s.Switchover(1))
		}
		compared := 0
		for cluster := range s.Clusters() {
			a := arrayOf(t, s, cluster, func(o *ontap.Options) { o.PageSize = 3 })
			c := look.Collect(t.Context(), a)
			for n := range 9 {
				name := fmt.Sprintf("p%d", n)
				for _, uuid := range []string{"", shownUUID(one(t, a, subject(name)))} {
					sub := subject(name, uuid)
					if got, want := c.Array(sub), one(t, a, sub); !reflect.DeepEqual(got, want) {
						t.Errorf("seed %d: %s: collected %+v, looked at %+v", seed, name, got, want)
					}
					if uuid == "" {
						continue
					}
					compared++
					got, want := c.Facts(uuid), look.Site(t.Context(), a, uuid, look.Protocols)
					where := fmt.Sprintf("seed %d: %s", seed, name)
					factsHold(t, where, got, want)
					factsHold(t, where, want, got)
					if site := got.Judge(wanted(byte(10+2*n)), nil, mark, false); !reflect.DeepEqual(site, want.Judge(wanted(byte(10+2*n)), nil, mark, false)) {
						t.Errorf("seed %d: %s: judged %+v", seed, name, site)
					}
				}
			}
		}
		if compared < 6 {
			t.Errorf("seed %d: only %d SVMs were compared", seed, compared)
		}
	}
}

func shownUUID(a decide.Array) string {
	if len(a.SVMs) == 0 {
		return ""
	}
	return a.SVMs[0].UUID
}

func furnishAtRandom(t *testing.T, s *sim.Simulator, rnd *rand.Rand) {
	t.Helper()
	for n := range 8 {
		a := arrayOf(t, s, rnd.IntN(s.Clusters()))
		name := fmt.Sprintf("p%d", n)
		comment := []string{"", "by hand", mark.String(), decide.Mark{Owner: other, Attempt: 2, Nonce: mark.Nonce}.String()}[rnd.IntN(4)]
		made, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: name, Comment: comment, NVMe: rnd.IntN(4) > 0, ISCSI: rnd.IntN(4) > 0, NFS: rnd.IntN(4) > 0})
		must(t, "create "+name, err)
		if rnd.IntN(3) > 0 {
			must(t, "service", ensureNVMe(t, a, made.UUID))
			furnish(t, a, made.UUID, byte(10+2*n))
		}
		if rnd.IntN(3) == 0 {
			must(t, "set state", s.SetSVMState(name, []string{"stopped", "initializing", "deleting"}[rnd.IntN(3)]))
		}
	}
}

func ensureNVMe(t *testing.T, a look.Array, uuid string) error {
	if err := a.Client.CreateService(t.Context(), ontap.ProtocolNVMe, uuid); !ontap.HasCode(err, ontap.CodeServiceExists) {
		return err
	}
	return nil
}

func TestACollectionThatIsNotWhole(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p1", "")
	must(t, "inject", inject(s, sim.Fault{Kind: sim.OutOfQuorum, Path: "/api/svm/svms", Method: "GET"}))
	c := look.Collect(t.Context(), a)
	if got := c.Array(subject("p1", uuid)); got.Answered || got.SVMs != nil || got.Why == "" {
		t.Errorf("%+v", got)
	}
	if f := c.Facts(uuid); f.SVMErr == nil || ontap.IsAbsent(f.SVMErr, ontap.KindSVM) || !strings.Contains(f.SVMErr.Error(), "list SVMs") {
		t.Errorf("%v", f.SVMErr)
	}
	s.ClearFaults()
	c = look.Collect(t.Context(), a)
	if f := c.Facts("00000000-0000-0000-0000-000000000000"); f.SVMErr == nil || ontap.IsAbsent(f.SVMErr, ontap.KindSVM) {
		t.Errorf("one that is not listed: %v", f.SVMErr)
	}
	if f := (look.Collection{}).Facts(uuid); f.SVMErr == nil {
		t.Error("nothing was collected, and facts are known")
	}
}

// A whole array costs a handful of calls and the pages of its listings.
func TestACollectionIsCheap(t *testing.T) {
	const svms = 3000
	s := newSim(t, func(o *sim.Options) { o.StateFile = manySVMs(t, svms) })
	a := arrayOf(t, s, 0)
	s.ForgetRequests()
	c := look.Collect(t.Context(), a)
	calls := len(s.Requests())
	if c.Records() < 7*svms || calls > c.Records()/500+15 {
		t.Errorf("%d records by %d calls, of which %d are allowed", c.Records(), calls, c.Records()/500+15)
	}
	t.Logf("%d SVMs, %d records, %d calls", svms, c.Records(), calls)
	for _, n := range []int{0, 1, svms / 2, svms - 1} {
		name := fmt.Sprintf("p%d", n)
		got := c.Array(look.Subject{Name: name, Owner: other})
		if !got.Answered || len(got.SVMs) != 1 || got.SVMs[0].Name != name {
			t.Fatalf("%s: %+v", name, got)
		}
		f := c.Facts(got.SVMs[0].UUID)
		interfaces, errI := f.Interfaces.Get()
		accounts, errA := f.Accounts.Get()
		routes, errR := f.Routes.Get()
		if f.SVM.Name != name || len(interfaces) != 2 || len(accounts) != 2 || len(routes) != 1 || errI != nil || errA != nil || errR != nil || !f.HasService(ontap.ProtocolNVMe) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// manySVMs is the state file of an array with so many SVMs: one that was made
// and furnished, and copies of it.
func manySVMs(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.json")
	s := newSim(t, func(o *sim.Options) { o.StateFile = path })
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p0", "")
	furnish(t, a, uuid, 10)
	s.Close()
	data, err := os.ReadFile(path)
	must(t, "read", err)
	var world map[string]any
	must(t, "decode", json.Unmarshal(data, &world))
	site := world["Sites"].([]any)[0].(map[string]any)
	seq := world["Seq"].(float64)
	for _, kind := range []string{"SVMs", "LIFs", "Routes", "Accounts", "Volumes"} {
		originals, _ := site[kind].([]any)
		for i := 1; i < n; i++ {
			for k, o := range originals {
				if original := o.(map[string]any); original["SVM"] == uuid || original["Owner"] == uuid || original["UUID"] == uuid {
					seq++
					site[kind] = append(site[kind].([]any), copyOf(original, kind, k, i, seq))
				}
			}
		}
	}
	world["Seq"] = seq
	data, err = json.Marshal(world)
	must(t, "encode", err)
	must(t, "write", os.WriteFile(path, data, 0o600))
	return path
}

// copyOf is the same on the i-th SVM.
func copyOf(original map[string]any, kind string, k, i int, seq float64) map[string]any {
	c := map[string]any{}
	for field, value := range original {
		c[field] = value
	}
	svm := fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012x", i)
	c["Seq"], c["UUID"] = seq, fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012x", int(seq))
	switch kind {
	case "SVMs":
		c["UUID"], c["Name"] = svm, fmt.Sprintf("p%d", i)
		c["Services"] = map[string]any{"nvme": map[string]any{"Seq": 1_000_000 + i, "UUID": svm, "Enabled": true}}
	case "Accounts":
		c["Owner"] = svm
	case "LIFs":
		c["SVM"], c["Address"] = svm, netip.AddrFrom4([4]byte{10, byte(k), byte(i >> 8), byte(i)}).String()
	default:
		c["SVM"] = svm
	}
	return c
}
