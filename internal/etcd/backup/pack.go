package backup

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"
)

// gzipLevel is what the gzip tool and Go's gzip use.
const gzipLevel = gzip.DefaultCompression

// headSize is how much of the stored bytes is kept to know them again. It
// covers the gzip header with the attempt's nonce.
const headSize = 96

// packing is a snapshot on its way: read and checked by one goroutine,
// compressed by a second, read out by whoever uploads it. What is read out
// ends in io.EOF only if the snapshot was whole.
type packing struct {
	raw, out *pipe
	done     sync.WaitGroup

	sums Sums // of the snapshot; valid after done

	// The rest is of what was read out.
	hash   hash.Hash
	size   int64
	head   []byte
	end    bool  // all of it was
	failed error // why the reader got no further
}

// pack starts to read src. atEnd is called once src has ended, well or not.
// The attempt's nonce goes into the gzip header, where every reader skips it.
func pack(src io.Reader, attempt string, taken time.Time, atEnd func()) *packing {
	p := &packing{raw: newPipe(), out: newPipe(), hash: sha256.New()}
	p.done.Go(func() {
		sums, err := p.read(src)
		atEnd()
		p.sums = sums
		p.raw.CloseWrite(err)
	})
	p.done.Go(func() {
		err := p.compress(attempt, taken)
		p.raw.CloseRead(err)
		p.out.CloseWrite(err)
	})
	return p
}

func (p *packing) read(src io.Reader) (Sums, error) {
	check := NewCheck()
	buffer := make([]byte, pipeChunk)
	for {
		n, err := src.Read(buffer)
		_, _ = check.Write(buffer[:n])
		if _, werr := p.raw.Write(buffer[:n]); werr != nil {
			return Sums{}, werr
		}
		if errors.Is(err, io.EOF) {
			return check.Finish()
		}
		if err != nil {
			return Sums{}, fmt.Errorf("read the snapshot: %w", err)
		}
	}
}

func (p *packing) compress(attempt string, taken time.Time) error {
	buffered := bufio.NewWriterSize(p.out, pipeChunk)
	zip, err := gzip.NewWriterLevel(buffered, gzipLevel)
	if err != nil {
		return err
	}
	zip.Comment = "seedproof " + attempt
	zip.ModTime = taken
	if _, err := io.Copy(zip, p.raw); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// Read gives the bytes to be stored.
func (p *packing) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	p.hash.Write(b[:n])
	p.size += int64(n)
	p.head = append(p.head, b[:min(n, headSize-len(p.head))]...)
	switch {
	case errors.Is(err, io.EOF):
		p.end = true
	case err != nil:
		p.failed = err
	}
	return n, err
}

// stop ends it early. Whoever reads src must be freed by other means.
func (p *packing) stop(cause error) {
	p.raw.CloseRead(cause)
	p.out.CloseRead(cause)
}

// stored is the sha256 of what was read out, in hex.
func (p *packing) stored() string { return hex.EncodeToString(p.hash.Sum(nil)) }
