package credential_test

import (
	"os"
	"testing"

	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWithKube(m)) }
