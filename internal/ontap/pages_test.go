package ontap_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

func uuidOf(n int) string { return fmt.Sprintf("%08d-2222-3333-4444-555555555555", n) }

func pageText(next string, of ...string) string {
	links := ""
	if next != "" {
		links = fmt.Sprintf(`,"_links":{"next":{"href":%q}}`, next)
	}
	return fmt.Sprintf(`{"records":[%s],"num_records":%d%s}`, strings.Join(of, ","), len(of), links)
}

func TestAListingIsWhole(t *testing.T) {
	const next = "/api/svm/svms?start.uuid=%22x%22&max_records=2"
	f := newFake(t, func(n int, r *http.Request) (int, string) {
		switch n {
		case 1:
			return 200, pageText(next, svmText(uuidOf(1), "p1"), svmText(uuidOf(2), "p2"))
		case 2:
			return 200, pageText(next+"&more", svmText(uuidOf(3), "p3"))
		}
		return 200, pageText("") // the array does not look ahead
	})
	svms, err := ontap.All(f.client(t, func(o *ontap.Options) { o.PageSize = 2 }).SVMs(t.Context(), ontap.SVMQuery{}))
	if err != nil || len(svms) != 3 || svms[2].Name != "p3" {
		t.Fatalf("%v, %v", svms, err)
	}
	asked := f.requests()
	first, _ := url.ParseQuery(asked[0].query)
	if len(asked) != 3 || first.Get("max_records") != "2" || first.Get("fields") != "uuid,name,state,subtype,comment" {
		t.Errorf("asked %+v", asked)
	}
	if got := asked[1].path + "?" + asked[1].query; got != next {
		t.Errorf("the next link was not followed verbatim: %s", got)
	}
}

func TestNothingListedIsNothingThere(t *testing.T) {
	f := newFake(t, always(200, records()))
	svms, err := ontap.All(f.client(t).SVMs(t.Context(), ontap.SVMQuery{Names: []string{"p1", "p1-mc"}}))
	if err != nil || len(svms) != 0 {
		t.Errorf("%v, %v", svms, err)
	}
	if q, _ := url.ParseQuery(f.requests()[0].query); q.Get("name") != "p1|p1-mc" {
		t.Errorf("asked for %q", q.Get("name"))
	}
}

// Two whole pages come first, so that a part of the listing could be taken for
// all of it.
func TestALastPageThatIsNone(t *testing.T) {
	const path = "/api/svm/svms?start=1"
	good := svmText(uuidOf(9), "p9")
	cases := []struct {
		reason string
		status int
		body   string
	}{
		{"it fails", 500, errorText("65541", "RPC timeout")},
		{"it is refused", 403, errorText("6", "not authorized")},
		{"it is not there: a listing is never absent", 404, errorText("4", "entry doesn't exist")},
		{"it is empty", 200, ""},
		{"it is another object", 200, `{}`},
		{"it has no records, not even none", 200, `{"num_records":0}`},
		{"its records are null", 200, `{"records":null,"num_records":0}`},
		{"it does not say how many it has", 200, `{"records":[]}`},
		{"it says fewer than it has", 200, `{"records":[` + good + `],"num_records":0}`},
		{"it says more than it has", 200, `{"records":[` + good + `],"num_records":2}`},
		{"it is cut", 200, `{"records":[` + good},
		{"there is more behind it", 200, records(good) + "{}"},
		{"it says that it is not whole", 200, `{"records":[],"num_records":0,"errors":[{"code":"1"}]}`},
		{"a record without a UUID", 200, records(`{"name":"p9","state":"running"}`)},
		{"a record without a name", 200, records(`{"uuid":"` + svmUUID + `","state":"running"}`)},
		{"a record without a state", 200, records(`{"uuid":"` + svmUUID + `","name":"p9"}`)},
		{"a record that is none", 200, records(`"p9"`)},
		{"a record of the wrong shape", 200, records(`{"uuid":"` + svmUUID + `","name":"p9","state":7}`)},
		{"it is a page of HTML", 200, "@Content-Type: text/html\n" + records()},
		{"it is not a success", 202, records()},
		{"the next link leads to another host", 200, pageText("https://evil.example/api/svm/svms?a=1")},
		{"the next link leads to another host without a scheme", 200, pageText("//evil.example/api/svm/svms?a=1")},
		{"the next link leads to another collection", 200, pageText("/api/cluster/nodes?a=1")},
		{"the next link leads upwards", 200, pageText("/api/svm/svms/../svms?a=1")},
		{"the next link is not a path", 200, pageText("svm/svms?a=1")},
		{"the next link is not one", 200, pageText(":%zz")},
		{"the next link leads back", 200, pageText(path)},
		{"the next link leads to the beginning", 200, pageText("/api/svm/svms")},
		{"the next link is too long", 200, pageText("/api/svm/svms?a=" + strings.Repeat("a", 20<<10))},
	}
	for _, c := range cases {
		f := newFake(t, func(n int, _ *http.Request) (int, string) {
			switch n {
			case 1:
				return 200, pageText(path, svmText(uuidOf(1), "p1"))
			case 2:
				return c.status, c.body
			}
			return 200, records()
		})
		svms, err := ontap.All(f.client(t).SVMs(t.Context(), ontap.SVMQuery{}))
		if err == nil || len(svms) != 0 {
			t.Errorf("%s: a part is taken for the whole: %v", c.reason, svms)
			continue
		}
		if c.status != 403 && c.status != 404 && flow.OutcomeOf(err) != flow.Unknown || ontap.IsAbsent(err, ontap.KindSVM) {
			t.Errorf("%s: outcome %s: %v", c.reason, flow.OutcomeOf(err), err)
		}
		if n := len(f.requests()); n != 2 {
			t.Errorf("%s: %d requests", c.reason, n)
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	f := newFake(t, func(n int, _ *http.Request) (int, string) {
		return 200, pageText(fmt.Sprintf("/api/svm/svms?start=%d", n))
	})
	svms, err := ontap.All(f.client(t, func(o *ontap.Options) { o.MaxPages = 7 }).SVMs(t.Context(), ontap.SVMQuery{}))
	if err == nil || svms != nil || len(f.requests()) != 7 || !strings.Contains(err.Error(), "more than 7 pages") {
		t.Errorf("%d requests: %v", len(f.requests()), err)
	}
}

func TestAListingEndsAtItsFirstError(t *testing.T) {
	f := newFake(t, always(200, records(`{"x":1}`, svmText(uuidOf(1), "p1"))))
	n := 0
	for _, err := range f.client(t).SVMs(t.Context(), ontap.SVMQuery{}) {
		if n++; err == nil {
			t.Error("a record after an error")
		}
	}
	if n != 1 {
		t.Errorf("%d records and errors", n)
	}
}

func TestALookThatEndsEarlyAsksNoMore(t *testing.T) {
	f := newFake(t, always(200, pageText("/api/svm/svms?start=1", svmText(uuidOf(1), "p1"))))
	for _, err := range f.client(t).SVMs(t.Context(), ontap.SVMQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if len(f.requests()) != 1 {
		t.Errorf("%d requests", len(f.requests()))
	}
}

func TestACountAddsUpItsPages(t *testing.T) {
	f := newFake(t, func(n int, _ *http.Request) (int, string) {
		if n < 3 {
			return 200, fmt.Sprintf(`{"num_records":%d,"_links":{"next":{"href":"/api/storage/volumes?start=%d"}}}`, n, n)
		}
		return 200, `{"num_records":4}`
	})
	n, err := f.client(t).DataVolumes(t.Context(), svmUUID)
	if err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
	q, _ := url.ParseQuery(f.requests()[0].query)
	for name, want := range map[string]string{"svm.uuid": svmUUID, "is_svm_root": "false", "is_constituent": "false", "return_records": "false"} {
		if q.Get(name) != want {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	for _, body := range []string{`{}`, `{"num_records":-1}`, `{"num_records":"none"}`, `{"records":[]}`} {
		if n, err := newFake(t, always(200, body)).client(t).DataVolumes(t.Context(), svmUUID); err == nil {
			t.Errorf("%s is counted as %d", body, n)
		}
	}
}

// What is not what was asked for means that the filter did not take: the rest
// of the answer is not believed either.
func TestRecordsThatWereNotAskedFor(t *testing.T) {
	lif := `{"uuid":"` + svmUUID + `","name":"lif","svm":{"uuid":"` + otherUUID + `"},"ip":{"address":"192.0.2.1","netmask":"24"}}`
	account := `{"owner":{"uuid":"` + otherUUID + `"},"name":"shoot"}`
	calls := map[string]func(*ontap.Client) error{
		records(svmText(uuidOf(1), "p2")): func(c *ontap.Client) error {
			_, err := ontap.All(c.SVMs(t.Context(), ontap.SVMQuery{Names: []string{"p1"}}))
			return err
		},
		records(lif): func(c *ontap.Client) error {
			_, err := ontap.All(c.Interfaces(t.Context(), ontap.InterfaceQuery{SVMUUID: svmUUID}))
			return err
		},
		records(account): func(c *ontap.Client) error { _, err := ontap.All(c.Accounts(t.Context(), svmUUID)); return err },
		account:          func(c *ontap.Client) error { _, err := c.Account(t.Context(), svmUUID, "shoot"); return err },
		`{"owner":{"uuid":"` + svmUUID + `"},"name":"other"}`: func(c *ontap.Client) error {
			_, err := c.Account(t.Context(), svmUUID, "shoot")
			return err
		},
		svmText(otherUUID, "p1"): func(c *ontap.Client) error {
			_, err := c.SVM(t.Context(), svmUUID)
			return err
		},
	}
	for body, call := range calls {
		if err := call(newFake(t, always(200, body)).client(t)); err == nil || flow.OutcomeOf(err) != flow.Unknown {
			t.Errorf("%s: %v", body, err)
		}
	}
}
