//go:build azure

package azblob

import (
	"testing"

	"github.com/seedproof/seedproof/internal/testenv"
)

// TestOnAzurite holds the driver, and with it the stand-in, to Microsoft's own
// emulator.
func TestOnAzurite(t *testing.T) {
	server := testenv.Azurite(t)
	suite(t, blobServer{endpoint: server.Endpoint, account: server.Account, key: server.Key})
}
