package file_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
	"github.com/seedproof/seedproof/internal/store/storetest"
)

func openURL(t *testing.T, url string) *file.Store {
	t.Helper()
	s, err := file.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T) store.Store { return openURL(t, "file://"+t.TempDir()+"/not/yet/there") }

func TestConformance(t *testing.T) {
	storetest.Run(t, open, storetest.Options{
		Second: func(t *testing.T, s store.Store) store.Store { return openURL(t, s.URL()) },
	})
}

func TestMarks(t *testing.T) { storetest.RunMarks(t, open) }
