package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// aside are the contents that were set aside.
func aside(t *testing.T, s store.Store) []string {
	t.Helper()
	var kept []string
	for key, content := range contents(t, s) {
		if strings.Contains(key, ".damaged-") || strings.Contains(key, ".replaced-") {
			kept = append(kept, content)
		}
	}
	return kept
}

func TestADamagedRecordIsSetAside(t *testing.T) {
	for _, th := range things() {
		if th.want != proof.Unusable {
			continue
		}
		t.Run(th.name, func(t *testing.T) {
			base := mem.New("control")
			memory := marked(t, base)
			old, oldClaim := th.content(encode(someRecord())), th.content(encode(someClaim()))
			put(t, base, RecordKey, old)
			put(t, base, ClaimKey, oldClaim)
			k := keeperOf(base)
			if _, err := k.WriteRecord(t.Context(), k.Look(t.Context(), memory, true), someRecord(), 0); err != nil {
				t.Fatal(err)
			}
			if kept := aside(t, base); len(kept) != 1 || kept[0] != string(old) {
				t.Errorf("set aside: %q", kept)
			}
			if err := k.WriteClaim(t.Context(), k.Look(t.Context(), memory, true), someClaim()); err != nil {
				t.Fatal(err)
			}
			if kept := aside(t, base); len(kept) != 2 || kept[0] != string(oldClaim) && kept[1] != string(oldClaim) {
				t.Errorf("set aside: %q", kept)
			}
			if v := k.Look(t.Context(), memory, true); v.Record.Finding != proof.Present || v.Claim.Finding != proof.Present {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Two damages within one second are two contents, and one is one.
func TestEveryDamageIsKeptOnce(t *testing.T) {
	base := mem.New("control")
	memory := marked(t, base)
	k := keeperOf(base)
	for _, old := range []string{"first", "second", "first"} {
		put(t, base, RecordKey, []byte(old))
		if _, err := k.WriteRecord(t.Context(), k.Look(t.Context(), memory, true), someRecord(), 0); err != nil {
			t.Fatal(err)
		}
	}
	kept := aside(t, base)
	if len(kept) != 2 || kept[0]+kept[1] != "firstsecond" && kept[0]+kept[1] != "secondfirst" {
		t.Errorf("set aside: %q", kept)
	}
}

func TestAForeignRecordIsSetAside(t *testing.T) {
	foreign := map[string]func(*Record){
		"another lineage":            func(r *Record) { r.Identity.Lineage = "lineage-b" },
		"another cluster's name":     func(r *Record) { r.Cluster = "events" },
		"a nonce that is no name":    func(r *Record) { r.Identity.Lineage, r.Nonce = "lineage-b", "../../x" },
		"a nonce that was ours once": func(r *Record) { r.Identity.Lineage, r.Nonce = "lineage-b", "nonce" },
	}
	for reason, change := range foreign {
		for _, asked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/asked=%v", reason, asked), func(t *testing.T) {
				base := mem.New("control")
				memory := marked(t, base)
				r := someRecord()
				change(&r)
				put(t, base, RecordKey, encode(r))
				put(t, base, RecordKey+".replaced-nonce", []byte("of another adoption"))
				k := keeperOf(base)
				v := k.Look(t.Context(), memory, true)
				if asked {
					if err := k.SetForeignAside(t.Context(), v); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := k.WriteRecord(t.Context(), v, someRecord(), 0); err != nil {
					t.Fatal(err)
				}
				kept := aside(t, base)
				if len(kept) != 2 || kept[0] != string(encode(r)) && kept[1] != string(encode(r)) {
					t.Errorf("set aside: %q", kept)
				}
			})
		}
	}
	base := mem.New("control")
	k := keeperOf(base)
	memory := marked(t, base)
	put(t, base, RecordKey, encode(someRecord()))
	later := someRecord()
	later.Identity.Generation, later.Identity.Birth = 2, "birth-b"
	if _, err := k.WriteRecord(t.Context(), k.Look(t.Context(), memory, true), later, 0); err != nil || len(aside(t, base)) != 0 {
		t.Errorf("our own earlier record needs no keeping: %v %q", err, aside(t, base))
	}
}
