package backup

import (
	"io"
	"sync"
)

const (
	pipeChunk  = 128 << 10
	pipeChunks = 16 // two pipes of 2 MiB each are all that a backup buffers
)

// pipe is an io.Pipe with room: the writer may run ahead of the reader by
// pipeChunks buffers, so that reading, hashing, compressing and uploading
// overlap. One goroutine writes, one reads.
type pipe struct {
	full chan []byte
	free chan []byte

	current []byte // what Read has not handed out yet
	backing []byte // the buffer of current, to be given back

	writeErr error // set before full is closed
	readErr  error // set before gone is closed
	gone     chan struct{}
	once     sync.Once
}

func newPipe() *pipe {
	p := &pipe{
		full: make(chan []byte, pipeChunks),
		free: make(chan []byte, pipeChunks),
		gone: make(chan struct{}),
	}
	for range pipeChunks {
		p.free <- make([]byte, pipeChunk)
	}
	return p
}

// Write fails with the reader's reason once the reader has gone.
func (p *pipe) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		select {
		case <-p.gone:
			return written, p.readErr
		case buffer := <-p.free:
			n := copy(buffer[:pipeChunk], b)
			p.full <- buffer[:n]
			written += n
			b = b[n:]
		}
	}
	return written, nil
}

// CloseWrite ends the stream; the reader gets err, or io.EOF if it is nil.
func (p *pipe) CloseWrite(err error) {
	p.writeErr = err
	if err == nil {
		p.writeErr = io.EOF
	}
	close(p.full)
}

// CloseRead makes all further writes fail with err.
func (p *pipe) CloseRead(err error) {
	p.once.Do(func() {
		p.readErr = err
		close(p.gone)
	})
}

// Read implements io.Reader. It fails once CloseRead was called.
func (p *pipe) Read(b []byte) (int, error) {
	if len(p.current) == 0 {
		if p.backing != nil {
			p.free <- p.backing
			p.backing = nil
		}
		select {
		case <-p.gone:
			return 0, p.readErr
		case next, more := <-p.full:
			if !more {
				return 0, p.writeErr
			}
			p.current, p.backing = next, next
		}
	}
	n := copy(b, p.current)
	p.current = p.current[n:]
	return n, nil
}
