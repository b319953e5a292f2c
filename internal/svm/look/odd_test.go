package look_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

const (
	oddSVM    = "11111111-2222-3333-4444-555555555555"
	oddVolume = "22222222-2222-3333-4444-555555555555"
)

// oddArray answers what the simulator never would. The key is a path below
// /api, with what must stand in the query behind a question mark.
func oddArray(t *testing.T, answers map[string]string) look.Array {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/hal+json")
		best, answer := -1, `{"records":[],"num_records":0}`
		for key, text := range answers {
			path, query, _ := strings.Cut(key, "?")
			if "/api/"+path == r.URL.Path && strings.Contains(r.URL.RawQuery, query) && len(query) > best {
				best, answer = len(query), text
			}
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	c, err := ontap.New(ontap.Options{
		Name: "odd", URL: s.URL, User: "admin", Password: ontap.NewSecret("admin1admin"),
		Trust: ontap.Trust{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})},
	})
	must(t, "client", err)
	t.Cleanup(c.Close)
	return look.Array{Name: "odd", Client: c}
}

// What an array leaves out is not known, and of two answers that do not agree
// the one that holds a deletion back counts.
func TestGuardsOfAnOddArray(t *testing.T) {
	const (
		svm  = `{"uuid":"` + oddSVM + `","name":"p1","state":"running","subtype":"default"`
		root = `{"records":[{"uuid":"` + oddVolume + `","name":"p1_root","svm":{"uuid":"` + oddSVM + `"},"state":"online","type":"rw","size":1}],"num_records":1}`
	)
	sound := map[string]string{
		"cluster":                                     `{"uuid":"` + oddVolume + `","name":"c","version":{"generation":9,"major":16,"minor":1}}`,
		"svm/svms/" + oddSVM:                          svm + `}`,
		"svm/svms/" + oddSVM + "?snapmirror":          svm + `,"snapmirror":{"is_protected":false,"protected_volumes_count":0}}`,
		"svm/svms/" + oddSVM + "?number":              svm + `,"number_of_volumes_in_recovery_queue":0}`,
		"storage/volumes?is_svm_root=true":            root,
		"storage/volumes?return_records=false":        `{"num_records":0}`,
		"storage/volumes/" + oddVolume + "/snapshots": `{"num_records":0}`,
	}
	relation := `{"records":[{"uuid":"` + oddVolume + `","source":{"path":"p1:","svm":{"uuid":"` + oddSVM + `"}},"destination":{"path":"dr:"}}],"num_records":1}`
	cases := []struct {
		reason, path, answer string
		want                 func(g *decide.Guards)
	}{
		{"all is told", "nothing", "", func(*decide.Guards) {}},
		{"an SVM without a root volume", "storage/volumes?is_svm_root=true", `{"records":[],"num_records":0}`, func(g *decide.Guards) { g.NoSnapshot = decide.NotKnown }},
		{"a relation of an SVM that is not protected", "snapmirror/relationships?source.svm.uuid", relation, func(g *decide.Guards) { g.NoSnapMirror = decide.No }},
		{"whether it is protected is left out", "svm/svms/" + oddSVM + "?snapmirror", svm + `}`, func(g *decide.Guards) { g.NoSnapMirror = decide.NotKnown }},
		{"volumes of an SVM that is not protected itself", "svm/svms/" + oddSVM + "?snapmirror", svm + `,"snapmirror":{"is_protected":false,"protected_volumes_count":2}}`, func(g *decide.Guards) { g.NoSnapMirror = decide.No }},
		{"the recovery queue is left out", "svm/svms/" + oddSVM + "?number", svm + `}`, func(g *decide.Guards) { g.RecoveryEmpty = decide.NotKnown }},
		{"a job that tells nothing", "cluster/jobs", `{"records":[{"uuid":"` + oddVolume + `","state":"running"}],"num_records":1}`, func(g *decide.Guards) { g.NoUnfinishedJob = decide.NotKnown }},
		{"a creation that does not tell of what: this SVM is there already", "cluster/jobs", `{"records":[{"uuid":"` + oddVolume + `","state":"running","description":"POST /api/svm/svms"}],"num_records":1}`, func(*decide.Guards) {}},
		{"a deletion by a query", "cluster/jobs", `{"records":[{"uuid":"` + oddVolume + `","state":"running","description":"DELETE /api/svm/svms?comment=x"}],"num_records":1}`, func(g *decide.Guards) { g.NoUnfinishedJob = decide.NotKnown }},
	}
	for _, c := range cases {
		answers := map[string]string{c.path: c.answer}
		for path, answer := range sound {
			if path != c.path {
				answers[path] = answer
			}
		}
		want := allYes
		c.want(&want)
		if got := look.ReadGuards(t.Context(), oddArray(t, answers), oddSVM, named(), false); got != want {
			t.Errorf("%s: %+v, want %+v", c.reason, got, want)
		}
	}
}
