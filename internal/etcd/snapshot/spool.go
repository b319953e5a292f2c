package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// spool takes the unpacked stream, lays the database into a file without a
// name, and judges the stream by its length and its trailer. How long the
// database is stands in its first page; no byte beyond that is written, and
// none at all where that page is no meta page.
type spool struct {
	o    Options
	file *os.File

	head    []byte // until it is decided
	decided bool
	state   metaState
	meta    meta
	whole   bool // the database and its right trailer have come

	trailer *trailer
	written int64
	asked   int64 // written when the disk was last asked for its free space
}

// askEvery is how many bytes are written between two looks at the free space.
const askEvery = 64 << 20

func newSpool(o Options) (*spool, error) {
	file, err := os.CreateTemp(o.Dir, ".seedproof-snapshot-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", classDisk(err))
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("take the name off a temporary file: %w", err)
	}
	return &spool{o: o, file: file, trailer: newTrailer(), head: make([]byte, 0, headSize)}, nil
}

func (s *spool) close() { _ = s.file.Close() }

// total is how many bytes came.
func (s *spool) total() int64 { return s.trailer.total + int64(len(s.head)) }

// write takes the next bytes of the stream.
func (s *spool) write(p []byte) error {
	if s.total()+int64(len(p)) > s.o.MaxSize+trailerSize {
		return fmt.Errorf("more than %d bytes unpacked: %w", s.o.MaxSize, ErrTooLarge)
	}
	if s.decided {
		return s.take(p)
	}
	n := min(len(p), headSize-len(s.head))
	s.head = append(s.head, p[:n]...)
	if len(s.head) < headSize {
		return nil
	}
	if err := s.decide(); err != nil {
		return err
	}
	return s.take(p[n:])
}

// decide reads the head, once enough of it has come or the stream has ended.
func (s *spool) decide() error {
	var err error
	if s.meta, s.state, err = readMeta(s.head); err != nil {
		return err
	}
	if s.state == metaNone {
		if len(s.head) < pageHeader+metaSize && beginsLikeMeta(s.head) {
			return fmt.Errorf("%w after %d bytes", ErrCut, len(s.head))
		}
		return fmt.Errorf("%w: neither of its first two pages is a meta page", ErrNotBbolt)
	}
	if size := s.size(); size > s.o.MaxSize {
		return fmt.Errorf("a database of %d bytes, by its meta page, and %d are allowed: %w", size, s.o.MaxSize, ErrTooLarge)
	}
	if err := s.room(s.size()); err != nil {
		return err
	}
	s.decided = true
	head := s.head
	s.head = nil
	return s.take(head)
}

// size is how long the database is, by its meta; 0 where that is not known.
func (s *spool) size() int64 {
	if s.state != metaSound {
		return 0
	}
	return s.meta.size()
}

// take writes and sums p, and looks at the trailer exactly where a snapshot
// ends. What follows there is taken by a second turn.
func (s *spool) take(p []byte) error {
	if s.whole && len(p) > 0 {
		return fmt.Errorf("%w: a whole snapshot of %d bytes, and more after its trailer", ErrTrailing, s.size()+trailerSize)
	}
	if err := s.store(p); err != nil {
		return err
	}
	left := s.size() + trailerSize - s.trailer.total
	if s.state != metaSound || left <= 0 || left > int64(len(p)) {
		s.trailer.write(p)
		return nil
	}
	s.trailer.write(p[:left])
	s.whole = s.trailer.holds()
	return s.take(p[left:])
}

// store writes the part of p that belongs to the database.
func (s *spool) store(p []byte) error {
	n := min(int64(len(p)), s.size()-s.written)
	if n <= 0 {
		return nil
	}
	if s.written-s.asked >= askEvery {
		if err := s.room(s.size() - s.written); err != nil {
			return err
		}
		s.asked = s.written
	}
	m, err := s.file.Write(p[:n])
	s.written += int64(m)
	if err != nil {
		return fmt.Errorf("write the unpacked database: %w", classDisk(err))
	}
	return nil
}

// room says whether the disk can take so many bytes more and keep what others
// are to have.
func (s *spool) room(size int64) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(s.file.Fd()), &fs); err != nil {
		return fmt.Errorf("ask for the free space of the disk: %w", err)
	}
	free := int64(fs.Bavail) * fs.Bsize
	if size+s.o.KeepFree > free {
		return fmt.Errorf("%d bytes to unpack, %d to be kept free, %d are free: %w", size, s.o.KeepFree, free, ErrNoSpace)
	}
	return nil
}

func classDisk(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

// finish judges the stream that has ended.
func (s *spool) finish() error {
	if s.total() == 0 {
		return fmt.Errorf("%w: nothing was packed", ErrEmpty)
	}
	if !s.decided {
		if err := s.decide(); err != nil {
			return err
		}
	}
	if s.state == metaSound {
		return s.judge()
	}
	switch total := s.trailer.total; {
	case s.trailer.holds():
		return corrupt("both meta pages are damaged, and the trailer is right")
	case total%minPageSize != trailerSize:
		return fmt.Errorf("%w: %d bytes, and no whole page and trailer at the end", ErrCut, total)
	default:
		return fmt.Errorf("%w; both meta pages are damaged", ErrFlipped)
	}
}

func (s *spool) judge() error {
	total, size := s.trailer.total, s.size()
	switch {
	case s.whole, total > size+trailerSize && s.trailer.holds():
		return nil // the second: a member's file, longer than in use, with a trailer put to it
	case total == size, total > size+trailerSize && total%minPageSize == 0:
		return fmt.Errorf("%w: %d bytes, of which the database uses %d", ErrNoTrailer, total, size)
	case total < size+trailerSize:
		return fmt.Errorf("%w: %d bytes of %d", ErrCut, total, size+trailerSize)
	case total > size+trailerSize:
		return fmt.Errorf("%w; it has %d bytes where %d were expected", ErrFlipped, total, size+trailerSize)
	}
	return fmt.Errorf("%w: its sha256 trailer is another", ErrFlipped)
}

// isBomb: so much content from so few bytes.
func isBomb(stored, content int64, o Options) bool {
	return content > ratioFloor && content/o.MaxRatio > stored
}

// drain reads content up to where the ratio begins to count.
func drain(r io.Reader, have int64) int64 {
	n, _ := io.CopyN(io.Discard, r, max(ratioFloor+1-have, 0))
	return have + n
}
