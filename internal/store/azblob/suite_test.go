package azblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/storetest"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestOnTheStandIn(t *testing.T) { suite(t, newStandIn(t)) }

// suite is all that a blob server and the driver do together.
func suite(t *testing.T, server blobServer) {
	t.Setenv("AZURE_STORAGE_KEY", server.key)
	for name, test := range map[string]func(*testing.T, blobServer){
		"conformance":              testConformance,
		"answers":                  testAnswers,
		"a proxy in between":       testProxy,
		"deadlines":                testDeadlines,
		"sent once":                testSentOnce,
		"lost replies":             testLostReplies,
		"deletes":                  testDeletes,
		"failed uploads":           testFailedUploads,
		"long objects":             testLongObjects,
		"uploads at the same time": testUploadsAtOnce,
		"a prefix ends at a slash": testPrefix,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func open(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// container makes a container with a fresh name.
func (b blobServer) container(t *testing.T) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	key, err := container.NewSharedKeyCredential(b.account, b.key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(b.endpoint+"/"+name, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return name
}

func (b blobServer) url(container, prefix string) string {
	u := url.URL{Scheme: ownScheme, Host: container, Path: "/" + prefix}
	u.RawQuery = url.Values{"account": {b.account}, "endpoint": {b.endpoint}}.Encode()
	return u.String()
}

// through is the server behind a proxy that misbehaves on command.
func (b blobServer) through(t *testing.T) (blobServer, *testenv.FaultProxy) {
	t.Helper()
	u, err := url.Parse(b.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := testenv.FaultyHTTP(t, "http://"+u.Host)
	b.endpoint = proxy.Endpoint + u.Path
	return b, proxy
}

func testConformance(t *testing.T, server blobServer) {
	options := storetest.Options{
		MissingPlace: func(t *testing.T) store.Store { return open(t, server.url("no-such-container", "p")) },
		Second:       func(t *testing.T, s store.Store) store.Store { return open(t, s.URL()) },
	}
	for name, prefix := range map[string]string{"with a prefix": "clusters/etcd main", "whole container": ""} {
		t.Run(name, func(t *testing.T) {
			places := func(t *testing.T) store.Store { return open(t, server.url(server.container(t), prefix)) }
			storetest.Run(t, places, options)
			storetest.RunMarks(t, places)
		})
	}
}

// outcome names the sentinel an error carries.
func outcome(err error) string {
	for name, sentinel := range map[string]error{
		"not found": store.ErrNotFound, "no place": store.ErrNoPlace, "denied": store.ErrDenied,
		"condition failed": store.ErrConditionFailed,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	if err != nil {
		return "unknown"
	}
	return "done"
}

// calls are all that a driver can be asked, against one key.
var calls = map[string]func(ctx context.Context, s *Store) error{
	"stat": func(ctx context.Context, s *Store) error { _, err := s.Stat(ctx, "k"); return err },
	"open": func(ctx context.Context, s *Store) error {
		body, _, err := s.Open(ctx, "k", store.Range{})
		if err == nil {
			_ = body.Close()
		}
		return err
	},
	"create": func(ctx context.Context, s *Store) error {
		_, err := s.Put(ctx, "k", strings.NewReader("x"), store.IfAbsent())
		return err
	},
	"swap": func(ctx context.Context, s *Store) error {
		_, err := s.Put(ctx, "k", strings.NewReader("x"), store.IfVersion("0x8DE"))
		return err
	},
	"long create": func(ctx context.Context, s *Store) error {
		_, err := s.Put(ctx, "k", io.LimitReader(zeros{}, headSize+1), store.IfAbsent())
		return err
	},
	"list": func(ctx context.Context, s *Store) error {
		for _, err := range s.List(ctx, "", "") {
			return err
		}
		return nil
	},
	"delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "k", "0x8DE") },
}

// wantOutcomes makes all calls at once, since each may pause between attempts.
func wantOutcomes(t *testing.T, s *Store, want map[string]string) {
	t.Helper()
	var done sync.WaitGroup
	for name, call := range calls {
		done.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := call(ctx, s)
			if got := outcome(err); got != want[name] {
				t.Errorf("%s: %s, want %s: %v", name, got, want[name], err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: an error of several lines: %q", name, err)
			}
		})
	}
	done.Wait()
}

// every call has the same outcome.
func every(outcome string) map[string]string {
	all := map[string]string{}
	for name := range calls {
		all[name] = outcome
	}
	return all
}

func testAnswers(t *testing.T, server blobServer) {
	t.Run("missing container", func(t *testing.T) {
		wantOutcomes(t, open(t, server.url("no-such-container", "")), every("no place"))
	})
	t.Run("empty container", func(t *testing.T) {
		s := open(t, server.url(server.container(t), "empty"))
		for name, want := range map[string]string{
			"stat": "not found", "open": "not found", "list": "done", "swap": "condition failed", "delete": "not found",
		} {
			if err := calls[name](t.Context(), s); outcome(err) != want {
				t.Errorf("%s: %s, want %s: %v", name, outcome(err), want, err)
			}
		}
	})
}

func testProxy(t *testing.T, server blobServer) {
	behind, proxy := server.through(t)
	s := open(t, behind.url(server.container(t), ""))
	for name, test := range map[string]struct {
		mode testenv.Mode
		want string
	}{
		"401":                               {testenv.Status(401), "denied"},
		"403":                               {testenv.Status(403), "denied"},
		"404 that names neither":            {testenv.Status(404), "unknown"},
		"409":                               {testenv.Status(409), "unknown"},
		"412 in another's words":            {testenv.Status(412), "unknown"},
		"500":                               {testenv.Status(500), "unknown"},
		"503":                               {testenv.Status(503), "unknown"},
		"200 without content":               {testenv.Status(200), "unknown"},
		"redirect":                          {testenv.Status(301), "unknown"},
		"refused connection":                {testenv.Refuse(), "unknown"},
		"every answer lost on the way back": {testenv.LoseReply(), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy.Set(test.mode)
			wantOutcomes(t, s, every(test.want))
		})
	}
}

func testDeadlines(t *testing.T, server blobServer) {
	behind, proxy := server.through(t)
	s := open(t, behind.url(server.container(t), ""))
	proxy.Set(testenv.BlackHole())
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := call(ctx, s); !errors.Is(err, context.DeadlineExceeded) || outcome(err) != "unknown" {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func testSentOnce(t *testing.T, server blobServer) {
	behind, proxy := server.through(t)
	s := open(t, behind.url(server.container(t), ""))
	for name, mode := range map[string]testenv.Mode{
		"500": testenv.Status(500), "503": testenv.Status(503), "lost reply": testenv.LoseReply(),
	} {
		proxy.Set(mode)
		before := proxy.Total()
		for _, call := range []string{"create", "swap", "delete"} {
			if err := calls[call](t.Context(), s); err == nil {
				t.Errorf("%s after %s: no error", call, name)
			}
		}
		if sent := proxy.Total() - before; sent != 3 {
			t.Errorf("%s: three writes were sent %d times", name, sent)
		}
	}
	proxy.Set(testenv.Status(500))
	before := proxy.Requests()["GET"]
	_ = calls["open"](t.Context(), s)
	if sent := proxy.Requests()["GET"] - before; sent != readAttempts {
		t.Errorf("a read was tried %d times, want %d", sent, readAttempts)
	}
}

// losing loses the server's answer to each put, and nothing else.
type losing struct {
	*Store
	proxy *testenv.FaultProxy
}

func (l losing) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	l.proxy.Set(testenv.LoseReply())
	defer l.proxy.Set(testenv.Pass())
	return l.Store.Put(ctx, key, r, c)
}

func testLostReplies(t *testing.T, server blobServer) {
	behind, proxy := server.through(t)
	s := losing{open(t, behind.url(server.container(t), "p")), proxy}
	first, err := store.Create(t.Context(), s, "k", []byte("first"))
	if err != nil {
		t.Fatalf("create: %v; want Done", err)
	}
	if _, err := store.Create(t.Context(), s, "k", []byte("late")); outcome(err) != "condition failed" {
		t.Errorf("create of what is there: %v", err)
	}
	second, err := store.Swap(t.Context(), s, "k", first.Version, []byte("second"))
	if err != nil {
		t.Fatalf("swap: %v; want Done", err)
	}
	if _, err := store.Swap(t.Context(), s, "k", first.Version, []byte("stale")); outcome(err) != "condition failed" {
		t.Errorf("swap of a stale version: %v", err)
	}
	if got, info, err := store.Read(t.Context(), s.Store, "k", 100); err != nil || string(got) != "second" || info.Version != second.Version {
		t.Errorf("it now holds %q, %+v, %v", got, info, err)
	}
}

func testDeletes(t *testing.T, server blobServer) {
	s := open(t, server.url(server.container(t), "p"))
	first, err := s.Put(t.Context(), "k", strings.NewReader("same"), store.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Put(t.Context(), "k", strings.NewReader("same"), store.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Version == second.Version {
		t.Errorf("two writes of the same content are one version, %s", first.Version)
	}
	if err := s.Delete(t.Context(), "k", first.Version); outcome(err) != "condition failed" {
		t.Errorf("delete of the version before: %v", err)
	}
	if err := s.Delete(t.Context(), "k", second.Version); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "k", second.Version); outcome(err) != "not found" {
		t.Errorf("delete of what is gone: %v", err)
	}
}

func testFailedUploads(t *testing.T, server blobServer) {
	content := func() io.Reader { return io.LimitReader(zeros{}, 2*baseBlock+1) }
	broken := errors.New("broken")
	tests := map[string]struct {
		content func(cancel func()) io.Reader
		c       store.Condition
		is      error
	}{
		"the reader fails": {
			content: func(func()) io.Reader { return io.MultiReader(content(), iotest.ErrReader(broken)) }, is: broken,
		},
		"the reader is cut": {
			content: func(func()) io.Reader { return io.MultiReader(content(), iotest.ErrReader(io.ErrUnexpectedEOF)) },
			is:      io.ErrUnexpectedEOF,
		},
		"the context ends": {
			content: func(cancel func()) io.Reader { return io.MultiReader(content(), onRead(cancel), content()) },
			is:      context.Canceled,
		},
		"somebody was first":      {content: func(func()) io.Reader { return content() }, c: store.IfAbsent(), is: store.ErrConditionFailed},
		"the version was another": {content: func(func()) io.Reader { return content() }, c: store.IfVersion("0x8DE"), is: store.ErrConditionFailed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, server.url(server.container(t), "p"))
			first, err := s.Put(t.Context(), "k", strings.NewReader("first"), store.Condition{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if _, err := s.Put(ctx, "k", test.content(cancel), test.c); !errors.Is(err, test.is) {
				t.Errorf("got %v, want %v", err, test.is)
			}
			if now, err := s.Stat(t.Context(), "k"); err != nil || now.Version != first.Version {
				t.Errorf("the object is now %+v, %v", now, err)
			}
		})
	}
}

func testLongObjects(t *testing.T, server blobServer) {
	s := open(t, server.url(server.container(t), "p"))
	for _, size := range []int{0, 1, headSize, headSize + 1, baseBlock - 1, baseBlock, baseBlock + 1, 3 * baseBlock} {
		content := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		info, err := s.Put(t.Context(), "k", iotest.HalfReader(bytes.NewReader(content)), store.Condition{})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, read, err := store.Read(t.Context(), s, "k", 64<<20)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
		}
		if info.Size != int64(size) || info.Version != read.Version || read.Modified.IsZero() {
			t.Errorf("%d bytes: put said %+v, reading says %+v", size, info, read)
		}
	}
}

// testUploadsAtOnce: Azure keeps the blocks of all uploads to one name in one
// heap. What stands in the end must be one writer's, whole.
func testUploadsAtOnce(t *testing.T, server blobServer) {
	s := open(t, server.url(server.container(t), "p"))
	var done sync.WaitGroup
	won := make([]bool, 4)
	for i := range won {
		done.Go(func() {
			_, err := s.Put(t.Context(), "k", bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 2*baseBlock)), store.IfAbsent())
			won[i] = err == nil
		})
	}
	done.Wait()
	got, _, err := store.Read(t.Context(), s, "k", 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2*baseBlock || bytes.Count(got, got[:1]) != len(got) {
		t.Errorf("%d bytes that begin with %q are not one writer's", len(got), got[:1])
	}
	if want := fmt.Sprint(won); strings.Count(want, "true") != 1 || !won[got[0]-'a'] {
		t.Errorf("winners %s, and %q stands", want, got[:1])
	}
}

func testPrefix(t *testing.T, server blobServer) {
	place := server.container(t)
	if _, err := open(t, server.url(place, "main-2")).Put(t.Context(), "k", strings.NewReader("x"), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	for info, err := range open(t, server.url(place, "main")).List(t.Context(), "", "") {
		t.Errorf("main shows an object of main-2: %+v, %v", info, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// onRead does something in the middle of a content.
type onRead func()

func (f onRead) Read([]byte) (int, error) { f(); return 0, io.EOF }
