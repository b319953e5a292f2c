package decide

import (
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
)

// SVMCommentLimit is how long the comment of an SVM may be (facts 2.2).
const SVMCommentLimit = 255

// Owner is whose SVM it is. Its String is the lineage of everything that is
// made for it.
type Owner struct {
	Garden  string
	Project string
}

func (o Owner) String() string { return o.Garden + "/" + o.Project }

// Mark is the mark of ownership that everything we make on an array bears in
// its comment.
type Mark struct {
	Owner       Owner
	Shoot       string // "" on what is the project's
	Attempt     uint64
	Nonce       string // of the attempt, 16 digits of hexadecimal
	Credentials uint64 // generation of the password
}

// Ownership is what the comment of a thing says about who owns it. The zero
// value is "not known": the comment was not read.
type Ownership uint8

const (
	OwnershipUnknown Ownership = iota
	Unmarked
	// Unreadable: a mark that is damaged, of a newer format, or there twice. It
	// is neither ours nor another's.
	Unreadable
	Foreign // whatever else the comment says
	Ours
)

func (o Ownership) String() string {
	return label("ownership", []string{"not known", "unmarked", "unreadable", "another's", "ours"}, int(o))
}

// Errors of marks.
var (
	ErrNotAMark    = errors.New("not a mark of ownership")
	ErrCommentFull = errors.New("no room in the comment for the mark")
	ErrForeignMark = errors.New("the comment bears another owner's mark")
	ErrDamagedMark = errors.New("the comment bears a damaged mark")
)

const (
	markOpens     = "[seedproof/"
	markCloses    = "]"
	markMaxNumber = 9_999_999_999
)

var (
	markForm  = regexp.MustCompile(`^\[seedproof/1 o=([^ /]+)/([^ /]+)(?: s=([^ ]+))? a=([0-9]+)\.([0-9a-f]{16}) c=([0-9]+) x=[0-9a-f]{8}\]$`)
	markName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
	markShoot = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,29}$`)
	markNonce = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// Validate says why the mark cannot be written.
func (m Mark) Validate() error {
	switch {
	case !markName.MatchString(m.Owner.Garden):
		return fmt.Errorf("mark: garden %q: 1 to 40 of A-Z a-z 0-9 . _ - are allowed", m.Owner.Garden)
	case !markName.MatchString(m.Owner.Project):
		return fmt.Errorf("mark: project %q: 1 to 40 of A-Z a-z 0-9 . _ - are allowed", m.Owner.Project)
	case m.Shoot != "" && !markShoot.MatchString(m.Shoot):
		return fmt.Errorf("mark: shoot %q: 1 to 30 of A-Z a-z 0-9 . _ - are allowed", m.Shoot)
	case !markNonce.MatchString(m.Nonce):
		return fmt.Errorf("mark: nonce %q: 16 hexadecimal digits are needed", m.Nonce)
	case m.Attempt == 0 || m.Attempt > markMaxNumber || m.Credentials > markMaxNumber:
		return fmt.Errorf("mark: attempt %d or generation %d of credentials is out of range", m.Attempt, m.Credentials)
	}
	return nil
}

// String is the mark as it stands in a comment: 184 characters at most.
func (m Mark) String() string {
	text := markOpens + "1 o=" + m.Owner.String()
	if m.Shoot != "" {
		text += " s=" + m.Shoot
	}
	text += fmt.Sprintf(" a=%d.%s c=%d", m.Attempt, m.Nonce, m.Credentials)
	return text + " x=" + checksum(text) + markCloses
}

func checksum(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }

// ParseMark reads one mark, strictly: what String would not have written is an
// ErrNotAMark.
func ParseMark(text string) (Mark, error) {
	f := markForm.FindStringSubmatch(text)
	if f == nil {
		return Mark{}, ErrNotAMark
	}
	attempt, errAttempt := strconv.ParseUint(f[4], 10, 64)
	credentials, errCredentials := strconv.ParseUint(f[6], 10, 64)
	if errAttempt != nil || errCredentials != nil {
		return Mark{}, ErrNotAMark
	}
	m := Mark{Owner: Owner{f[1], f[2]}, Shoot: f[3], Attempt: attempt, Nonce: f[5], Credentials: credentials}
	if m.Validate() != nil || m.String() != text {
		return Mark{}, ErrNotAMark
	}
	return m, nil
}

// piece is one part of a comment: a mark, something that begins as one and is
// none, or text of others.
type piece struct {
	text    string
	mark    Mark
	isMark  bool
	damaged bool
}

// pieces cuts a comment at its marks; joined again they are the comment.
func pieces(comment string) []piece {
	var all []piece
	for comment != "" {
		at := strings.Index(comment, markOpens)
		if at < 0 {
			return append(all, piece{text: comment})
		}
		if at > 0 {
			all = append(all, piece{text: comment[:at]})
			comment = comment[at:]
		}
		end := strings.Index(comment, markCloses) + 1
		if end == 0 {
			return append(all, piece{text: comment, damaged: true})
		}
		m, err := ParseMark(comment[:end])
		all = append(all, piece{text: comment[:end], mark: m, isMark: err == nil, damaged: err != nil})
		comment = comment[end:]
	}
	return all
}

// Read says who owns what bears the comment, for the owner that asks. Of what
// bears another's mark beside ours, it is the other's that is given.
func (o Owner) Read(comment string) (Ownership, Mark) {
	var ours []Mark
	damaged := false
	for _, p := range pieces(comment) {
		switch {
		case p.isMark && p.mark.Owner != o:
			return Foreign, p.mark
		case p.isMark:
			ours = append(ours, p.mark)
		}
		damaged = damaged || p.damaged
	}
	switch {
	case damaged || len(ours) > 1:
		return Unreadable, Mark{}
	case len(ours) == 1:
		return Ours, ours[0]
	}
	return Unmarked, Mark{}
}

// Put writes the mark into a comment of at most limit characters: in the place
// of an earlier mark of the same owner, else behind what stands there, of which
// nothing is ever taken away.
func (m Mark) Put(comment string, limit int) (string, error) {
	if err := m.Validate(); err != nil {
		return "", err
	}
	switch ownership, _ := m.Owner.Read(comment); ownership {
	case Foreign:
		return "", ErrForeignMark
	case Unreadable:
		return "", ErrDamagedMark
	}
	var b strings.Builder
	replaced := false
	for _, p := range pieces(comment) {
		if p.isMark {
			b.WriteString(m.String())
			replaced = true
			continue
		}
		b.WriteString(p.text)
	}
	if !replaced {
		if comment != "" {
			b.WriteString(" ")
		}
		b.WriteString(m.String())
	}
	marked := b.String()
	if long := len(marked); long > limit {
		return "", fmt.Errorf("%w: %d characters too many", ErrCommentFull, long-limit)
	}
	return marked, nil
}
