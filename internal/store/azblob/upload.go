package azblob

import (
	"context"
	"crypto/md5" // the checksum that Azure keeps of a blob
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	baseBlock  = 8 << 20 // bytes
	blocksStep = 10_000  // blocks of one size, then twice the size
	maxBlocks  = 50_000  // Azure's limit
	idSize     = 64      // bytes, as in the vendor's own SDK: all of a blob must be equal
)

// blockSize is the size in bytes of the n-th block, from 0: all together hold
// 2.4 TB.
func blockSize(n int) int { return baseBlock << (n / blocksStep) }

// buffers are kept for the next upload; only those of the base size.
var buffers sync.Pool

func takeBuffer() *[]byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, baseBlock)
	return &b
}

// upload sends a blob in blocks. Nothing shows until they are made a blob;
// blocks that never are, Azure drops after a week, and nobody can sooner.
type upload struct {
	client *blockblob.Client
	full   string
	nonce  [16]byte // two uploads to one name must not fill in each other's blocks
	ids    []string
	size   int64
}

func (u *upload) run(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	_, _ = rand.Read(u.nonce[:]) // it never fails
	sum := md5.New()
	if err := u.stageAll(ctx, io.TeeReader(r, sum)); err != nil {
		return store.Info{}, err
	}
	got, err := u.client.CommitBlockList(once(ctx), u.ids, &blockblob.CommitBlockListOptions{
		AccessConditions: conditions(c),
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: &contentType, BlobContentMD5: sum.Sum(nil)},
	})
	if err != nil {
		return store.Info{}, failedWrite("make the blob", u.full, c, err)
	}
	return written(key, u.full, u.size, got.ETag, got.LastModified)
}

// stageAll sends the content block by block, with one buffer.
func (u *upload) stageAll(ctx context.Context, r io.Reader) error {
	pooled := takeBuffer()
	defer buffers.Put(pooled)
	buffer := *pooled
	for ended := false; !ended; {
		if len(u.ids) == maxBlocks {
			return fmt.Errorf("put %s: %w", u.full, errors.New("longer than Azure can hold in one blob"))
		}
		if size := blockSize(len(u.ids)); size > len(buffer) {
			buffer = make([]byte, size)
		}
		n, last, err := fill(r, buffer)
		if err != nil {
			return fmt.Errorf("put %s: read the content: %w", u.full, err)
		}
		ended = last
		if n == 0 {
			break // the content ended with the block before
		}
		if err := u.stage(ctx, buffer[:n]); err != nil {
			return err
		}
	}
	return nil
}

// stage sends one block. It may be retried: the same block again is the same.
func (u *upload) stage(ctx context.Context, block []byte) error {
	id := u.id(len(u.ids))
	_, err := u.client.StageBlock(ctx, id, content(block), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeComputeCRC64(),
	})
	if err != nil {
		return failed(fmt.Sprintf("send block %d of", len(u.ids)+1), u.full, err)
	}
	u.ids = append(u.ids, id)
	u.size += int64(len(block))
	return nil
}

func (u *upload) id(n int) string {
	raw := make([]byte, idSize)
	copy(raw, u.nonce[:])
	binary.BigEndian.PutUint32(raw[len(u.nonce):], uint32(n))
	return base64.StdEncoding.EncodeToString(raw)
}
