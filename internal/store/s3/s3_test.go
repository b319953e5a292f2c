package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

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
		_, err := s.Put(ctx, "k", strings.NewReader("x"), store.IfVersion("0123456789abcdef0123456789abcdef"))
		return err
	},
	"list": func(ctx context.Context, s *Store) error {
		for _, err := range s.List(ctx, "", "") {
			return err
		}
		return nil
	},
	"delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "k", "0123") },
}

func wantOutcomes(t *testing.T, s *Store, want map[string]string) {
	t.Helper()
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := call(ctx, s)
		cancel()
		if got := outcome(err); got != want[name] {
			t.Errorf("%s: %s, want %s: %v", name, got, want[name], err)
		}
	}
}

// every call has the same outcome.
func every(outcome string) map[string]string {
	all := map[string]string{}
	for name := range calls {
		all[name] = outcome
	}
	return all
}

func TestWhatServersAnswer(t *testing.T) {
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		bucket := server.Bucket(t)
		t.Run("missing bucket", func(t *testing.T) {
			wantOutcomes(t, open(t, server.URL("no-such-bucket", "")), every("no place"))
		})
		t.Run("empty bucket", func(t *testing.T) {
			s := open(t, server.URL(bucket, "empty"))
			for name, want := range map[string]string{
				"stat": "not found", "open": "not found", "list": "done",
				"swap": "condition failed", "delete": "not found",
			} {
				if err := calls[name](t.Context(), s); outcome(err) != want {
					t.Errorf("%s: %s, want %s: %v", name, outcome(err), want, err)
				}
			}
		})
		t.Run("wrong key", func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
			want := "denied"
			if server.Name == "versitygw" {
				want = "unknown" // it answers 404 about the user, to a HEAD too: no absence
			}
			wantOutcomes(t, open(t, server.URL(bucket, "")), every(want))
		})
		t.Run("wrong secret", func(t *testing.T) {
			t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
			s := open(t, server.URL(bucket, ""))
			wantOutcomes(t, s, every("denied"))
			if _, err := s.Stat(t.Context(), "k"); strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	})
}

func TestNoCredentials(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	wantOutcomes(t, open(t, "s3://bucket?endpoint=http://127.0.0.1:1"), every("unknown"))
}

func TestWhatAProxyInBetweenAnswers(t *testing.T) {
	server := testenv.S3(t)
	server.Setenv(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.S3URL(server.Bucket(t), ""))
	for name, test := range map[string]struct {
		mode testenv.Mode
		want string
	}{
		"403":                               {testenv.Status(403), "denied"},
		"404 that names neither":            {testenv.Status(404), "unknown"},
		"409":                               {testenv.Status(409), "unknown"},
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
	server := testenv.S3(t)
	server.Setenv(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.S3URL(server.Bucket(t), ""))
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
	server := testenv.S3(t)
	server.Setenv(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.S3URL(server.Bucket(t), ""))
	for name, mode := range map[string]testenv.Mode{
		"500": testenv.Status(500), "503": testenv.Status(503), "lost reply": testenv.LoseReply(),
	} {
		proxy.Set(mode)
		before := proxy.Requests()["PUT"]
		for _, call := range []string{"create", "swap"} {
			if err := calls[call](t.Context(), s); err == nil {
				t.Errorf("%s after %s: no error", call, name)
			}
		}
		if sent := proxy.Requests()["PUT"] - before; sent != 2 {
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

// uploads counts the unfinished multipart uploads of a bucket.
func uploads(t *testing.T, server *testenv.S3Server, bucket string) int {
	t.Helper()
	out, err := server.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Uploads)
}

func TestAFailedUploadLeavesNothing(t *testing.T) {
	const long = 2*basePart + 1
	content := func() io.Reader { return io.LimitReader(zeros{}, long) }
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
		"the version was another": {content: func(func()) io.Reader { return content() }, c: store.IfVersion("0123"), is: store.ErrConditionFailed},
	}
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				bucket := server.Bucket(t)
				s := open(t, server.URL(bucket, "p"))
				first, err := s.Put(t.Context(), "k", strings.NewReader("first"), store.Condition{})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if _, err := s.Put(ctx, "k", test.content(cancel), test.c); !errors.Is(err, test.is) {
					t.Errorf("got %v, want %v", err, test.is)
				}
				if n := uploads(t, server, bucket); n != 0 {
					t.Errorf("%d uploads are left", n)
				}
				if now, err := s.Stat(t.Context(), "k"); err != nil || now.Version != first.Version {
					t.Errorf("the object is now %+v, %v", now, err)
				}
			})
		}
	})
}

func TestAbortThatFailsIsSaid(t *testing.T) {
	server := testenv.S3(t)
	server.Setenv(t)
	proxy := testenv.FaultyHTTP(t, server.Endpoint)
	s := open(t, proxy.S3URL(server.Bucket(t), ""))
	content := io.MultiReader(io.LimitReader(zeros{}, basePart+1), onRead(func() { proxy.Set(testenv.Status(403)) }))
	_, err := s.Put(t.Context(), "k", content, store.Condition{})
	if err == nil || !strings.Contains(err.Error(), "its parts stay in the bucket") {
		t.Errorf("got %v", err)
	}
}

func TestLongObjectsComeBackWhole(t *testing.T) {
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		s := open(t, server.URL(server.Bucket(t), "p"))
		for _, size := range []int{0, 1, headSize, headSize + 1, basePart - 1, basePart, basePart + 1, 3 * basePart} {
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
	})
}

func TestFolderMarkersAreNotObjects(t *testing.T) {
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		bucket := server.Bucket(t)
		for _, key := range []string{"p/", "p/folder/"} {
			_, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key)})
			if err != nil {
				t.Fatal(err)
			}
		}
		for info, err := range open(t, server.URL(bucket, "p")).List(t.Context(), "", "") {
			t.Errorf("listed %+v, %v", info, err)
		}
	})
}

func TestAPrefixEndsAtASlash(t *testing.T) {
	onServers(t, func(t *testing.T, server *testenv.S3Server) {
		bucket := server.Bucket(t)
		if _, err := open(t, server.URL(bucket, "main-2")).Put(t.Context(), "k", strings.NewReader("x"), store.Condition{}); err != nil {
			t.Fatal(err)
		}
		for info, err := range open(t, server.URL(bucket, "main")).List(t.Context(), "", "") {
			t.Errorf("main shows an object of main-2: %+v, %v", info, err)
		}
	})
}

func TestPartsHoldTheLargestObject(t *testing.T) {
	var sum int64
	for n := int32(1); n <= maxParts; n++ {
		size := partSize(n)
		if size < 5<<20 || size > 5<<30 {
			t.Fatalf("part %d has %d bytes, outside of what S3 takes", n, size)
		}
		if n <= partsAStep && size != basePart {
			t.Fatalf("part %d has %d bytes", n, size)
		}
		sum += size
	}
	if sum < 5<<40 || sum > math.MaxInt64/2 {
		t.Errorf("all parts together hold %d bytes, less than 5 TiB", sum)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// onRead does something in the middle of a content.
type onRead func()

func (f onRead) Read([]byte) (int, error) { f(); return 0, io.EOF }
