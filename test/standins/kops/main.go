// Command kops stands for kops where a test has to see what it was given: it
// writes down its arguments, its environment and what its standard streams are,
// and does to a state store on disk what kops does to etcd-manager's spec.
//
// It is written from kops's documentation and measured behaviour, and imports
// nothing of Seedproof. It must never be more careful than kops: with --yes it
// writes the spec, whatever is there and whatever is missing.
//
// What else it does is said by variables:
//
//	STANDIN_KOPS_DIR   the directory for what it writes down
//	STANDIN_KOPS_ASK   it asks a question of its own on its standard streams
//	STANDIN_KOPS_WAIT  it writes down signals until SIGTERM comes
//	STANDIN_KOPS_EXIT  its exit code
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// run is what one start writes down, as one line of the file "runs".
type run struct {
	Arg0    string            `json:"arg0"`
	Args    []string          `json:"args"`
	Env     []string          `json:"env"`
	Streams map[string]string `json:"streams"`
	PID     int               `json:"pid"`
	Answer  string            `json:"answer,omitempty"`
}

func main() {
	code, err := kops()
	if err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func kops() (int, error) {
	r := run{Arg0: os.Args[0], Args: os.Args[1:], Env: os.Environ(), PID: os.Getpid(), Streams: map[string]string{
		"stdin": kindOf(os.Stdin), "stdout": kindOf(os.Stdout), "stderr": kindOf(os.Stderr),
	}}
	if os.Getenv("STANDIN_KOPS_ASK") != "" {
		fmt.Print("kops asks: go on? ")
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return 1, err
		}
		r.Answer = strings.TrimSpace(answer)
		fmt.Printf("kops heard %q\n", r.Answer)
	}
	if err := note("runs", r); err != nil {
		return 1, err
	}
	if err := act(r.Args, os.Stdout); err != nil {
		return 1, err
	}
	if os.Getenv("STANDIN_KOPS_WAIT") != "" {
		if err := wait(); err != nil {
			return 1, err
		}
	}
	code, _ := strconv.Atoi(os.Getenv("STANDIN_KOPS_EXIT")) // unset is 0
	return code, nil
}

func kindOf(f *os.File) string {
	info, err := f.Stat()
	switch {
	case err != nil:
		return "closed"
	case term.IsTerminal(int(f.Fd())):
		return "terminal"
	case info.Mode()&os.ModeNamedPipe != 0:
		return "pipe"
	case info.Mode()&os.ModeCharDevice != 0:
		return "device"
	}
	return "file"
}

// note adds one line of JSON to a file in STANDIN_KOPS_DIR.
func note(name string, what any) error {
	dir := os.Getenv("STANDIN_KOPS_DIR")
	if dir == "" {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(f).Encode(what); err != nil {
		return err
	}
	return f.Close()
}

// wait writes down each signal until SIGTERM.
func wait() error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGWINCH)
	if err := note("signals", "ready"); err != nil {
		return err
	}
	for s := range signals {
		if err := note("signals", s.String()); err != nil {
			return err
		}
		if s == syscall.SIGTERM {
			return nil
		}
	}
	return nil
}

// act is what kops does as far as etcd is concerned.
func act(args []string, out io.Writer) error {
	flags := pflag.NewFlagSet("kops", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	state := flags.String("state", os.Getenv("KOPS_STATE_STORE"), "")
	name := flags.String("name", os.Getenv("KOPS_CLUSTER_NAME"), "")
	target := flags.String("target", "direct", "")
	yes := flags.BoolP("yes", "y", false, "")
	help := flags.BoolP("help", "h", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	words := flags.Args()
	command := strings.Join(words[:min(2, len(words))], " ")
	switch {
	case command == "version":
		fmt.Fprintln(out, "Client version: 1.36.2")
	case *help:
		fmt.Fprintln(out, "Usage:\n  kops", command)
	case command == "update cluster" || command == "reconcile cluster":
		if *name == "" && len(words) > 2 {
			*name = words[2]
		}
		dir, ok := strings.CutPrefix(*state, "file://")
		if !ok {
			return nil // a store that it cannot reach: it has been written down
		}
		return update(filepath.Join(dir, *name), !*yes && *target == "direct", out)
	}
	return nil
}
