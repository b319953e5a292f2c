package fleet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

type object = map[string]any

// array makes the a-th array with these SVMs on it.
func (f *Fleet) array(a int, numbers []int) *sim.Simulator {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "array.json")
	model := models + a
	s := f.start(a, path)
	uuid := f.make(s, model)
	s.Close()
	f.copyOnArray(path, uuid, numbers)
	f.copyInSeed(model, uuid, numbers)
	return f.start(a, path)
}

func (f *Fleet) start(a int, path string) *sim.Simulator {
	f.t.Helper()
	s, err := sim.New(sim.Options{StateFile: path, Times: sim.AtOnce(), Clock: f.clock, Names: []string{fmt.Sprintf("array%02d", a+1)}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	return s
}

// make has the flow make the model, and gives its UUID.
func (f *Fleet) make(s *sim.Simulator, model int) string {
	f.t.Helper()
	r := f.Controller(svm.Options{Arrays: []look.Array{f.Client(s, nil)}})
	for range 20 {
		res := r.Reconcile(f.t.Context(), f.Wish(model))
		if res.AtRest && !res.Acted {
			return res.Decision.UUID
		}
	}
	f.t.Fatal("the model does not come to rest")
	return ""
}

// UUID is that of the n-th SVM.
func UUID(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012x", n) }

// copyOnArray puts the copies into the state of an array, in the place of the
// model.
func (f *Fleet) copyOnArray(path, uuid string, numbers []int) {
	f.t.Helper()
	data, err := os.ReadFile(path)
	f.must(err)
	var world object
	f.must(json.Unmarshal(data, &world))
	site := world["Sites"].([]any)[0].(object)
	seq := world["Seq"].(float64)
	for _, kind := range []string{"SVMs", "LIFs", "Routes", "Accounts", "Volumes"} {
		var kept, originals []any
		for _, it := range site[kind].([]any) {
			if o := it.(object); o["SVM"] == uuid || o["Owner"] == uuid || o["UUID"] == uuid {
				originals = append(originals, it)
			} else {
				kept = append(kept, it)
			}
		}
		for _, n := range numbers {
			for i, o := range originals {
				seq++
				kept = append(kept, copyOf(o.(object), kind, i, n, seq))
			}
		}
		site[kind] = kept
	}
	world["Seq"] = seq
	data, err = json.Marshal(world)
	f.must(err)
	f.must(os.WriteFile(path, data, 0o600))
}

// copyOf is the same thing on the n-th SVM. The interfaces were made in the
// order data, data, management.
func copyOf(original object, kind string, i, n int, seq float64) object {
	c := object{}
	for field, value := range original {
		c[field] = value
	}
	c["Seq"], c["UUID"] = seq, fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012x", int(seq))
	if comment, has := c["Comment"].(string); has {
		c["Comment"] = remark(comment, n)
	}
	switch kind {
	case "SVMs":
		c["UUID"], c["Name"] = UUID(n), Name(n)
		services := object{}
		for protocol, s := range original["Services"].(object) {
			service := object{}
			for field, value := range s.(object) {
				service[field] = value
			}
			service["Seq"], service["UUID"] = seq, UUID(n)
			services[protocol] = service
		}
		c["Services"] = services
	case "Accounts":
		c["Owner"] = UUID(n)
	case "LIFs":
		c["SVM"], c["Address"] = UUID(n), address(byte(i+1), n).String()
	default:
		c["SVM"] = UUID(n)
	}
	return c
}

// remark is a comment with the mark of the n-th SVM's owner.
func remark(comment string, n int) string {
	mark, err := decide.ParseMark(comment)
	if err != nil {
		return comment
	}
	mark.Owner.Project = Name(n)
	return mark.String()
}

// copyInSeed writes record, claim and Secret of each copy, as they were written
// for the model, and takes the model's away.
func (f *Fleet) copyInSeed(model int, uuid string, numbers []int) {
	f.t.Helper()
	paths := []string{
		f.path("configmaps", seed.ObjectName(seed.KindRecord, Name(model))),
		f.path("configmaps", seed.ObjectName(seed.KindClaim, Name(model))),
		f.path("secrets", secretName(model)),
	}
	var texts []string
	for _, path := range paths {
		texts = append(texts, f.bare(path))
	}
	queue := make(chan int)
	var writers sync.WaitGroup
	for range 16 {
		writers.Go(func() {
			for n := range queue {
				for i, text := range texts {
					f.post(paths[i], renamed(text, model, n, uuid))
				}
			}
		})
	}
	for _, n := range numbers {
		queue <- n
	}
	close(queue)
	writers.Wait()
	for _, path := range paths {
		f.Kube.Do(f.t, testenv.KubeAdmin, http.MethodDelete, path, nil)
	}
}

func (f *Fleet) path(kind, name string) string {
	return "/api/v1/namespaces/" + f.Namespace + "/" + kind + "/" + name
}

// bare is an object without what the API server puts into it.
func (f *Fleet) bare(path string) string {
	f.t.Helper()
	status, answer := f.Kube.Do(f.t, testenv.KubeAdmin, http.MethodGet, path, nil)
	if status != http.StatusOK {
		f.t.Fatalf("read %s: %d", path, status)
	}
	var o object
	f.must(json.Unmarshal(answer, &o))
	metadata := o["metadata"].(object)
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields"} {
		delete(metadata, field)
	}
	text, err := json.Marshal(o)
	f.must(err)
	return string(text)
}

func renamed(text string, model, n int, uuid string) string {
	pairs := []string{Name(model), Name(n), uuid, UUID(n)}
	for kind := range byte(3) {
		pairs = append(pairs, address(kind+1, model).String(), address(kind+1, n).String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (f *Fleet) post(path, text string) {
	collection := path[:strings.LastIndex(path, "/")]
	if status, answer := f.Kube.Do(f.t, testenv.KubeAdmin, http.MethodPost, collection, json.RawMessage(text)); status != http.StatusCreated {
		f.t.Errorf("write into %s: %d %s", collection, status, answer)
	}
}

func (f *Fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}
