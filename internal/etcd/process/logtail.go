package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// tailBytes is how much of the end of a log is looked at.
const tailBytes = 64 << 10

// LastWords is what etcd gave as its reason in the end of its log: the last
// line of level error or above, as "message: error". Empty when there is none.
func LastWords(logFile string) (string, error) {
	tail, err := readTail(logFile)
	if err != nil {
		return "", fmt.Errorf("read the end of etcd's log: %w", err)
	}
	words := ""
	for line := range bytes.Lines(tail) {
		if w := reasonIn(line); w != "" {
			words = w
		}
	}
	return words, nil
}

func reasonIn(line []byte) string {
	var entry struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Error string `json:"error"`
	}
	if json.Unmarshal(line, &entry) != nil {
		return "" // the first line may be cut
	}
	switch entry.Level {
	case "error", "dpanic", "panic", "fatal":
	default:
		return ""
	}
	if entry.Error == "" {
		return entry.Msg
	}
	return entry.Msg + ": " + entry.Error
}

func readTail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	tail := make([]byte, min(info.Size(), tailBytes))
	n, err := f.ReadAt(tail, info.Size()-int64(len(tail)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return tail[:n], nil
}
