package watch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	// maxAcknowledged bounds the file, and so the series that it makes.
	maxAcknowledged      = 1000
	maxAcknowledgedBytes = 256 << 10
)

// acknowledgement is a person's word that a vanished etcd cluster was deleted
// on purpose. It is bound to the time since when that one is gone.
type acknowledgement struct {
	id    id
	since time.Time
}

// String is the line in the file.
func (a acknowledgement) String() string {
	return fmt.Sprintf("%s/%s %s", a.id.cluster, a.id.etcd, a.since.UTC().Format(time.RFC3339))
}

// readAcknowledged reads the file of acknowledgements. One that is not there
// holds none.
func readAcknowledged(path string) ([]acknowledgement, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the acknowledgements: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxAcknowledgedBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the acknowledgements %s: %w", path, err)
	}
	all, err := parseAcknowledged(text)
	if err != nil {
		return all, fmt.Errorf("read the acknowledgements %s: %w", path, err)
	}
	return all, nil
}

// parseAcknowledged reads lines CLUSTER/ETCD SINCE. What it cannot read it
// leaves out, and says so: a line that is not understood acknowledges nothing.
func parseAcknowledged(text []byte) ([]acknowledgement, error) {
	if len(text) > maxAcknowledgedBytes {
		return nil, fmt.Errorf("it is larger than %d bytes", maxAcknowledgedBytes)
	}
	var all []acknowledgement
	var wrong error
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxAcknowledgedBytes+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		a, ok := parseAcknowledgement(line)
		switch {
		case !ok && wrong == nil:
			wrong = fmt.Errorf("line %d is not CLUSTER/ETCD SINCE, such as prod.example.com/main 2026-11-21T16:00:00Z", n)
		case ok && len(all) >= maxAcknowledged:
			return all, fmt.Errorf("it has more than %d lines", maxAcknowledged)
		case ok:
			all = append(all, a)
		}
	}
	return all, errors.Join(wrong, lines.Err())
}

func parseAcknowledgement(line string) (acknowledgement, bool) {
	name, when, found := strings.Cut(line, " ")
	cluster, etcd, whole := strings.Cut(name, "/")
	since, err := time.Parse(time.RFC3339, strings.TrimSpace(when))
	if !found || !whole || cluster == "" || etcd == "" || err != nil {
		return acknowledgement{}, false
	}
	return acknowledgement{id{cluster, etcd}, since.UTC()}, true
}
