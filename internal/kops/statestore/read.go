package statestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// File is a whole read of one small file.
type File struct {
	Content []byte
	Info    store.Info
	Err     error // store.ErrNotFound is an absence, all else is not known
}

// Missing reports whether the right place answered that it is not there.
func (f File) Missing() bool { return errors.Is(f.Err, store.ErrNotFound) }

// read reads a file of at most limit bytes, in the time that one call may take.
func read(ctx context.Context, s store.Store, key string, limit int64, timeout time.Duration) File {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	content, info, err := store.Read(ctx, s, key, limit)
	if err != nil {
		return File{Info: info, Err: err}
	}
	return File{Content: content, Info: info}
}

// Permission names what has to be allowed so that err goes away; "" where err
// is not a refusal. scheme is that of the store's URL.
func Permission(scheme string, listing bool, err error) string {
	if !errors.Is(err, store.ErrDenied) {
		return ""
	}
	names := map[string][2]string{
		"s3":     {"s3:GetObject", "s3:ListBucket"},
		"gs":     {"storage.objects.get", "storage.objects.list"},
		"azblob": {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "Microsoft.Storage/storageAccounts/blobServices/containers/read"},
	}
	which := 0
	if listing {
		which = 1
	}
	if name := names[scheme][which]; name != "" {
		return name
	}
	return "read access to the directory"
}

// tell is err for a person: what was denied is named by its permission.
func tell(scheme string, listing bool, err error) string {
	switch {
	case errors.Is(err, errStalled) || errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case Permission(scheme, listing, err) != "":
		return "access denied, it needs " + Permission(scheme, listing, err)
	case errors.Is(err, store.ErrTooLarge):
		return "it is far larger than such a file ever is, and was not read"
	case errors.Is(err, store.ErrCut):
		return "it was cut short on the way"
	case errors.Is(err, store.ErrNoPlace):
		return "there is no such bucket or directory"
	case errors.Is(err, store.ErrNotFound):
		return "not there"
	case otherRegion(err):
		return "the bucket is in another region: add ?region=REGION to the URL, or set S3_REGION"
	}
	return rootCause(err)
}

// otherRegion: S3 answers so to a request that was signed for another region.
// kops finds the region by itself, so many never set one.
func otherRegion(err error) bool {
	var coded interface{ ErrorCode() string }
	if !errors.As(err, &coded) {
		return false
	}
	switch coded.ErrorCode() {
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return true
	}
	return false
}

// rootCause is the innermost text of err: the layers above it say again what
// the sentence around it says.
func rootCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%.200s", firstLine(err))
		}
		err = inner
	}
}
