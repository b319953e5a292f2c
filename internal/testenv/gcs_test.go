package testenv

import "testing"

func TestGCSBucketsAreFresh(t *testing.T) {
	s := GCS(t)
	if a, b := s.Bucket(t), s.Bucket(t); a == b {
		t.Errorf("two buckets have the same name %s", a)
	}
}

func TestTheGCSServerEndsWithItsTest(t *testing.T) {
	var endpoint string
	t.Run("inner", func(t *testing.T) { endpoint = GCS(t).Endpoint })
	if reachable(endpoint) {
		t.Fatal("the server outlives the test that started it")
	}
}

func TestGCSURL(t *testing.T) {
	s := &GCSServer{Endpoint: "http://127.0.0.1:20001"}
	const query = "?endpoint=http%3A%2F%2F127.0.0.1%3A20001"
	for prefix, want := range map[string]string{"": "gs://b" + query, "/x/y z/": "gs://b/x/y%20z" + query} {
		if got := s.URL("b", prefix); got != want {
			t.Errorf("URL of prefix %q is %s, want %s", prefix, got, want)
		}
	}
}
