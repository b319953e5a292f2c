//go:build azure

package testenv

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const (
	azuriteVersion = "3.37.0"
	azuriteAccount = "seedprooftest"
)

var azuriteKey = base64.StdEncoding.EncodeToString([]byte("seedproof-test-key"))

// AzuriteServer is Microsoft's Azurite on a loopback port, with its data in a
// directory of its own. It ends with its test.
type AzuriteServer struct {
	Endpoint string // http://127.0.0.1:port/account, the URL of the blob service
	Account  string
	Key      string
}

// Azurite starts a server for azblob:// stores. The first call on a machine
// installs it with npm, which must be there, as must node.
func Azurite(t testing.TB) *AzuriteServer {
	t.Helper()
	dir, err := ensureAzurite()
	if err != nil {
		t.Fatalf("testenv: get azurite: %v", err)
	}
	port := FreePorts(t, 1)[0]
	p, err := startProcess(filepath.Join(t.TempDir(), "azurite.log"), []string{"AZURITE_ACCOUNTS=" + azuriteAccount + ":" + azuriteKey},
		"node", filepath.Join(dir, "node_modules", "azurite", "dist", "src", "blob", "main.js"),
		"--blobHost", "127.0.0.1", "--blobPort", strconv.Itoa(port), "--location", t.TempDir(),
		"--skipApiVersionCheck", "--disableTelemetry", "--silent")
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(p.stop)
	if err := p.awaitPort(loopback(port)); err != nil {
		t.Fatalf("testenv: wait for azurite: %v", err)
	}
	return &AzuriteServer{Endpoint: "http://" + loopback(port) + "/" + azuriteAccount, Account: azuriteAccount, Key: azuriteKey}
}

// ensureAzurite installs the pinned package into the cache unless it is there.
func ensureAzurite() (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	final := filepath.Join(cache, "azurite-"+azuriteVersion)
	return final, locked(filepath.Join(cache, "azurite.lock"), func() error {
		if _, err := os.Stat(final); err == nil {
			return nil
		}
		tmp, err := os.MkdirTemp(cache, ".azurite.tmp-")
		if err != nil {
			return fmt.Errorf("make a directory to install into: %w", err)
		}
		defer func() { _ = os.RemoveAll(tmp) }()
		fmt.Fprintf(os.Stderr, "testenv: installing azurite %s with npm (once on this machine, about two minutes)\n", azuriteVersion)
		install := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", tmp, "azurite@"+azuriteVersion)
		if out, err := install.CombinedOutput(); err != nil {
			return fmt.Errorf("npm install azurite@%s: %w\n%s", azuriteVersion, err, out)
		}
		return publish(tmp, final)
	})
}

// awaitPort polls until somebody listens at address.
func (p *process) awaitPort(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp4", address); err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("server ended before it listened: %s\n%s", p.cmd.ProcessState, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("server did not listen at %s: %w\n%s", address, ctx.Err(), p.tail())
		case <-tick.C:
		}
	}
}
