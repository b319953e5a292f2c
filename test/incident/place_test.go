package incident

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/testenv"
)

// place is a store behind the back of the cluster: what a rule, a person or a
// broken disk does to it.
type place interface {
	keys(t testing.TB) []string
	get(t testing.TB, key string) (content string, there bool)
	put(t testing.TB, key, content string)
	remove(t testing.TB, key string)
	// vanish takes the bucket or directory away; comeBack puts it back.
	vanish(t testing.TB)
	comeBack(t testing.TB)
	// beside is another, empty place next to this one; exchange makes each
	// stand where the other stood, at one stroke.
	beside() place
	exchange(t testing.TB, beside place)
}

func empty(t testing.TB, p place) {
	for _, key := range p.keys(t) {
		p.remove(t, key)
	}
}

// contents are all objects. One that goes while we look was not there.
func contents(t testing.TB, p place) map[string]string {
	all := map[string]string{}
	for _, key := range p.keys(t) {
		if content, there := p.get(t, key); there {
			all[key] = content
		}
	}
	return all
}

func fill(t testing.TB, p place, contents map[string]string) {
	for key, content := range contents {
		p.put(t, key, content)
	}
}

func has(t testing.TB, p place, key string) bool {
	return slices.Contains(p.keys(t), key)
}

// dirPlace is a file:// store.
type dirPlace struct{ dir string }

func (p dirPlace) keys(t testing.TB) []string {
	var keys []string
	err := filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			keys = append(keys, strings.TrimPrefix(path, p.dir+"/"))
		}
		return gone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (p dirPlace) get(t testing.TB, key string) (string, bool) {
	content, err := os.ReadFile(filepath.Join(p.dir, key))
	if gone(err) != nil {
		t.Fatal(err)
	}
	return string(content), err == nil
}

// gone: the cluster goes on working while we look.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (p dirPlace) put(t testing.TB, key, content string) {
	path := filepath.Join(p.dir, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	// As the store's own writers do: nobody sees half of it.
	if err := os.WriteFile(path+".person", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".person", path); err != nil {
		t.Fatal(err)
	}
}

func (p dirPlace) remove(t testing.TB, key string) {
	if err := gone(os.Remove(filepath.Join(p.dir, key))); err != nil {
		t.Fatal(err)
	}
}

func (p dirPlace) vanish(t testing.TB) { rename(t, p.dir, p.dir+".aside") }

// comeBack leaves what was made in its place meanwhile.
func (p dirPlace) comeBack(t testing.TB) {
	if err := os.RemoveAll(p.dir + ".aside"); err != nil {
		t.Fatal(err)
	}
}

func (p dirPlace) beside() place { return dirPlace{p.dir + "-other"} }

func (p dirPlace) exchange(t testing.TB, beside place) { swapNames(t, p.dir, beside.(dirPlace).dir) }

func swapNames(t testing.TB, a, b string) {
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		t.Fatalf("exchange %s and %s: %v", a, b, err)
	}
}

func rename(t testing.TB, from, to string) {
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// s3Place is a prefix of a bucket, asked past every proxy.
type s3Place struct {
	server         *testenv.S3Server
	bucket, prefix string
}

func (p s3Place) key(key string) *string { return aws.String(p.prefix + "/" + key) }

func (p s3Place) keys(t testing.TB) []string {
	var keys []string
	pages := awss3.NewListObjectsV2Paginator(p.server.Client(), &awss3.ListObjectsV2Input{Bucket: &p.bucket, Prefix: aws.String(p.prefix + "/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, strings.TrimPrefix(*o.Key, p.prefix+"/"))
		}
	}
	return keys
}

func (p s3Place) get(t testing.TB, key string) (string, bool) {
	got, err := p.server.Client().GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &p.bucket, Key: p.key(key)})
	var none *types.NoSuchKey
	if errors.As(err, &none) {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	content, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content), true
}

func (p s3Place) put(t testing.TB, key, content string) {
	_, err := p.server.Client().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &p.bucket, Key: p.key(key), Body: bytes.NewReader([]byte(content))})
	if err != nil {
		t.Fatal(err)
	}
}

func (p s3Place) remove(t testing.TB, key string) {
	_, err := p.server.Client().DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &p.bucket, Key: p.key(key)})
	if err != nil {
		t.Fatal(err)
	}
}

func (p s3Place) vanish(t testing.TB) {
	rename(t, filepath.Join(p.server.Dir, p.bucket), filepath.Join(p.server.Dir, p.bucket+"-aside"))
}

func (p s3Place) comeBack(t testing.TB) {
	rename(t, filepath.Join(p.server.Dir, p.bucket+"-aside"), filepath.Join(p.server.Dir, p.bucket))
}

func (p s3Place) beside() place { return s3Place{p.server, p.bucket, p.prefix + "-other"} }

// exchange goes by versitygw's directories: a prefix is one of them.
func (p s3Place) exchange(t testing.TB, beside place) { swapNames(t, p.dir(), beside.(s3Place).dir()) }

func (p s3Place) dir() string { return filepath.Join(p.server.Dir, p.bucket, p.prefix) }
