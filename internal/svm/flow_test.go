package svm_test

import (
	"encoding/json"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/credential"
)

func versions(t *testing.T, body []byte) []string {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name, ResourceVersion string }
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range list.Items {
		all = append(all, i.Metadata.Name+"@"+i.Metadata.ResourceVersion)
	}
	return all
}

func (w *world) newPassword() (ontap.Secret, error) {
	p, err := credential.NewPassword()
	if err == nil {
		w.logMu.Lock()
		w.passwords = append(w.passwords, p.Reveal())
		w.logMu.Unlock()
	}
	return p, err
}

// From nothing to a pair that opens the SVM, and then nothing more.
func TestCreate(t *testing.T) {
	w := newWorld(t)
	r, want := w.controller(nil), w.wish()
	res := w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
	w.staysAtRest(w.controller(nil), want)
	t.Logf("%d passes, %d requests", res.Passes, len(w.sim.Requests()))
}
