package testenv

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const helperVariable = "SEEDPROOF_TESTENV_HELPER"

// TestHelperServes is no test: TestServersDieWithTheTestProcess runs it as a
// process of its own and kills it.
func TestHelperServes(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		return
	}
	_, _ = os.Stdout.WriteString("serving " + S3(t).Endpoint + "\n")
	select {}
}

func TestServersDieWithTheTestProcess(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperServes$")
	cmd.Env = append(os.Environ(), helperVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	endpoint := ""
	for lines := bufio.NewScanner(out); endpoint == "" && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			endpoint = rest
		}
	}
	if !reachable(endpoint) {
		t.Fatalf("the helper's server does not answer at %q", endpoint)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, func() bool { return !reachable(endpoint) })
}

func reachable(endpoint string) bool {
	resp, err := http.Get(endpoint)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return true
}

func TestAServerThatCannotStartIsReported(t *testing.T) {
	p, err := startProcess(filepath.Join(t.TempDir(), "log"), nil, "/bin/sh", "-c", "echo no such disk; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	err = p.awaitHTTP("http://" + loopback(FreePorts(t, 1)[0]))
	if err == nil || !strings.Contains(err.Error(), "no such disk") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}
