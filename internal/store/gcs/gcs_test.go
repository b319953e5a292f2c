package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/testenv"
)

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
		_, err := s.Put(ctx, "k", strings.NewReader("x"), store.IfVersion("1234"))
		return err
	},
	"swap of no generation": func(ctx context.Context, s *Store) error {
		_, err := s.Put(ctx, "k", strings.NewReader("x"), store.IfVersion("0123abcd"))
		return err
	},
	"long create": func(ctx context.Context, s *Store) error {
		_, err := s.Put(ctx, "k", io.LimitReader(zeros{}, chunkSize+1), store.IfAbsent())
		return err
	},
	"list": func(ctx context.Context, s *Store) error {
		for _, err := range s.List(ctx, "", "") {
			return err
		}
		return nil
	},
	"delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "k", "1234") },
}

// wantOutcomes makes all calls at once, since each may pause between attempts.
func wantOutcomes(t *testing.T, s *Store, want map[string]string) {
	t.Helper()
	var done sync.WaitGroup
	for name, call := range calls {
		done.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := call(ctx, s)
			if got := outcome(err); got != want[name] {
				t.Errorf("%s: %s, want %s: %v", name, got, want[name], err)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 2*longest) {
				t.Errorf("%s: an error like a page: %.80q", name, err)
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

func TestWhatTheServerAnswers(t *testing.T) {
	server := testenv.GCS(t)
	t.Run("missing bucket", func(t *testing.T) {
		wantOutcomes(t, open(t, server.URL("no-such-bucket", "")), every("no place"))
	})
	t.Run("empty bucket", func(t *testing.T) {
		s := open(t, server.URL(server.Bucket(t), "empty"))
		for name, want := range map[string]string{
			"stat": "not found", "open": "not found", "list": "done", "swap": "condition failed",
			"swap of no generation": "condition failed", "delete": "not found",
		} {
			if err := calls[name](t.Context(), s); outcome(err) != want {
				t.Errorf("%s: %s, want %s: %v", name, outcome(err), want, err)
			}
		}
	})
}

func TestWhatAProxyInBetweenAnswers(t *testing.T) {
	server := testenv.GCS(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.GCSURL(server.Bucket(t), ""))
	for name, test := range map[string]struct {
		mode testenv.Mode
		want string
	}{
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

func TestDeadlinesHold(t *testing.T) {
	server := testenv.GCS(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.GCSURL(server.Bucket(t), ""))
	proxy.Set(testenv.BlackHole())
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := call(ctx, s); !errors.Is(err, context.DeadlineExceeded) || outcome(err) != "unknown" {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func TestConditionalWritesAreSentOnce(t *testing.T) {
	server := testenv.GCS(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.GCSURL(server.Bucket(t), ""))
	for name, mode := range map[string]testenv.Mode{
		"500": testenv.Status(500), "503": testenv.Status(503), "lost reply": testenv.LoseReply(),
	} {
		proxy.Set(mode)
		before := proxy.Requests()["POST"]
		for _, call := range []string{"create", "swap"} {
			if err := calls[call](t.Context(), s); err == nil {
				t.Errorf("%s after %s: no error", call, name)
			}
		}
		if sent := proxy.Requests()["POST"] - before; sent != 2 {
			t.Errorf("%s: two writes were sent %d times", name, sent)
		}
	}
	proxy.Set(testenv.Status(500))
	before := proxy.Requests()["GET"]
	_ = calls["open"](t.Context(), s)
	if sent := proxy.Requests()["GET"] - before; sent != readAttempts {
		t.Errorf("a read was tried %d times, want %d", sent, readAttempts)
	}
}

// TestLostRepliesOnTheWire loses the server's answer to each conditional write
// and looks what became of it, as every user of a store does.
func TestLostRepliesOnTheWire(t *testing.T) {
	server := testenv.GCS(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	bucket := server.Bucket(t)
	s := losing{open(t, proxy.GCSURL(bucket, "p")), proxy}
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

// losing loses the answer to each put, and nothing else.
type losing struct {
	*Store
	proxy *testenv.FaultProxy
}

func (l losing) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	l.proxy.Set(testenv.LoseReply())
	defer l.proxy.Set(testenv.Pass())
	return l.Store.Put(ctx, key, r, c)
}

// TestDeletesCarryTheirCondition changes the object behind the driver's look.
// fake-gcs-server would delete it; Google's server, as strict, must not.
func TestDeletesCarryTheirCondition(t *testing.T) {
	server := testenv.GCS(t)
	proxy, bucket := newStrict(t, server.Endpoint), server.Bucket(t)
	s, behind := open(t, proxy.url(bucket, "p")), open(t, server.URL(bucket, "p"))
	for name, test := range map[string]struct {
		change func(v store.Version)
		want   string
	}{
		"changed": {func(store.Version) {
			if _, err := behind.Put(t.Context(), "k", strings.NewReader("another"), store.Condition{}); err != nil {
				t.Error(err)
			}
		}, "condition failed"},
		"gone": {func(v store.Version) {
			if err := behind.Delete(t.Context(), "k", v); err != nil {
				t.Error(err)
			}
		}, "not found"},
		"as it was": {func(store.Version) {}, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := s.Put(t.Context(), "k", strings.NewReader("x"), store.Condition{})
			if err != nil {
				t.Fatal(err)
			}
			proxy.behind = func() { test.change(info.Version) }
			if err := s.Delete(t.Context(), "k", info.Version); outcome(err) != test.want {
				t.Errorf("%s, want %s: %v", outcome(err), test.want, err)
			}
			if !slices.Contains(proxy.deletes, string(info.Version)) {
				t.Errorf("deletes were sent for generations %v, not %s", proxy.deletes, info.Version)
			}
		})
	}
}

func TestAFailedUploadLeavesNothing(t *testing.T) {
	content := func() io.Reader { return io.LimitReader(zeros{}, 2*chunkSize+1) }
	broken := errors.New("broken")
	tests := map[string]struct {
		content func(cancel func()) io.Reader
		c       store.Condition
		is      error
	}{
		"the reader fails": {
			content: func(func()) io.Reader { return io.MultiReader(content(), iotest.ErrReader(broken)) }, is: broken,
		},
		"the reader fails at the edge of a chunk": {
			content: func(func()) io.Reader {
				return io.MultiReader(io.LimitReader(zeros{}, chunkSize), iotest.ErrReader(broken))
			}, is: broken,
		},
		"the reader is cut": {
			content: func(func()) io.Reader { return io.MultiReader(content(), iotest.ErrReader(io.ErrUnexpectedEOF)) },
			is:      io.ErrUnexpectedEOF,
		},
		"the reader is cut within the first chunk": {
			content: func(func()) io.Reader {
				return io.MultiReader(io.LimitReader(zeros{}, headSize+1), iotest.ErrReader(io.ErrUnexpectedEOF))
			}, is: io.ErrUnexpectedEOF,
		},
		"the context ends": {
			content: func(cancel func()) io.Reader { return io.MultiReader(content(), onRead(cancel), content()) },
			is:      context.Canceled,
		},
		"somebody was first":      {content: func(func()) io.Reader { return content() }, c: store.IfAbsent(), is: store.ErrConditionFailed},
		"the version was another": {content: func(func()) io.Reader { return content() }, c: store.IfVersion("123"), is: store.ErrConditionFailed},
	}
	server := testenv.GCS(t)
	for place, endpoint := range map[string]string{"as it is": server.Endpoint, "strict": newStrict(t, server.Endpoint).endpoint} {
		for name, test := range tests {
			t.Run(place+", "+name, func(t *testing.T) {
				s := open(t, (&testenv.GCSServer{Endpoint: endpoint}).URL(server.Bucket(t), "p"))
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
}

func TestLongObjectsComeBackWhole(t *testing.T) {
	server := testenv.GCS(t)
	s := open(t, server.URL(server.Bucket(t), "p"))
	for _, size := range []int{0, 1, headSize, headSize + 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize} {
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

func TestAPrefixEndsAtASlash(t *testing.T) {
	server := testenv.GCS(t)
	bucket := server.Bucket(t)
	if _, err := open(t, server.URL(bucket, "main-2")).Put(t.Context(), "k", strings.NewReader("x"), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	for info, err := range open(t, server.URL(bucket, "main")).List(t.Context(), "", "") {
		t.Errorf("main shows an object of main-2: %+v, %v", info, err)
	}
}

func TestFolderMarkersAreNotObjects(t *testing.T) {
	server := testenv.GCS(t)
	bucket := server.Bucket(t)
	for _, name := range []string{"p%2F", "p%2Ffolder%2F"} {
		answer, err := http.Post(server.Endpoint+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+name, "text/plain", http.NoBody)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		_ = answer.Body.Close()
	}
	for info, err := range open(t, server.URL(bucket, "p")).List(t.Context(), "", "") {
		t.Errorf("listed %+v, %v", info, err)
	}
}

func TestGenerations(t *testing.T) {
	for v, want := range map[store.Version]bool{
		"1": true, "1700000000000000": true, "0": false, "": false, "-1": false, "+1": false, "01": false, "1x": false,
		"9223372036854775808": false,
	} {
		if _, ok := generationOf(v); ok != want {
			t.Errorf("%q is a generation: %v, want %v", v, ok, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// onRead does something in the middle of a content.
type onRead func()

func (f onRead) Read([]byte) (int, error) { f(); return 0, io.EOF }
