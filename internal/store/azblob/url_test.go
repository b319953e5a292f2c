package azblob

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		reason, raw, account, want string
	}{
		{"the account of the environment", "azblob://backups/p", "acct", "azblob://backups/p?account=acct"},
		{"the account of the URL goes first", "azblob://backups?account=own", "acct", "azblob://backups?account=own"},
		{"slashes at the ends mean nothing", "azblob://backups//a/b/?account=own", "", "azblob://backups/a/b?account=own"},
		{"escapes are kept", "azblob://backups/a%20b%2Fc", "acct", "azblob://backups/a%20b/c?account=acct"},
		{"an endpoint may have a path", "azblob://backups?endpoint=http://h:1/acct/&account=acct", "",
			"azblob://backups?account=acct&endpoint=http%3A%2F%2Fh%3A1%2Facct"},

		{"kops, newer: the account stands first", "azureblob://acct/state/cl.example.com", "", "azblob://state/cl.example.com?account=acct"},
		{"kops, newer: no key", "azureblob://acct/state", "", "azblob://state?account=acct"},
		{"kops, newer: the variable says the same", "azureblob://acct/state/x/y", "acct", "azblob://state/x/y?account=acct"},
		{"kops, older: a cluster's name is no container", "azureblob://state/cl.example.com/backups", "acct",
			"azblob://state/cl.example.com/backups?account=acct"},
		{"kops, older: a dash is in no account", "azureblob://kops-state/backups/etcd/main", "acct", "azblob://kops-state/backups/etcd/main?account=acct"},
		{"kops, older: the container alone", "azureblob://state", "acct", "azblob://state?account=acct"},
		{"kops's scheme with the account said", "azureblob://state/backups?account=own", "acct", "azblob://state/backups?account=own"},
	}
	for _, test := range tests {
		p, err := parseURL(test.raw, test.account)
		if err != nil || p.String() != test.want {
			t.Errorf("%s: %s gave %s, %v; want %s", test.reason, test.raw, p, err, test.want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	tests := []struct {
		reason, raw, account, want string
	}{
		{"another scheme", "s3://backups/p", "acct", "azblob://CONTAINER/PREFIX"},
		{"credentials", "azblob://id:hunter2@backups/p", "acct", "AZURE_STORAGE_KEY"},
		{"credentials that do not parse", "azblob://id:hunter2@backups:x y/p", "acct", "not a URL"},
		{"a signature in the URL", "azblob://backups/p?sig=hunter2", "acct", `unknown parameter "sig"`},
		{"a signature in the endpoint", "azblob://backups?endpoint=https://h/?sig=hunter2", "acct", "endpoint"},
		{"credentials in the endpoint", "azblob://backups?endpoint=http://id:hunter2@h", "acct", "endpoint"},
		{"a parameter given twice", "azblob://backups?account=one&account=two", "", "2 times"},
		{"a query that cannot be read", "azblob://backups?account=%zz", "", "after ?"},
		{"no account", "azblob://backups/p", "", "set AZURE_STORAGE_ACCOUNT or add ?account="},
		{"an account that is none", "azblob://backups?account=Not-One", "", "account"},
		{"a variable that is no account", "azblob://backups", "https://acct", "AZURE_STORAGE_ACCOUNT"},
		{"no container", "azblob:///p", "acct", "container"},
		{"capitals", "azblob://Backups/p", "acct", `"Backups"`},
		{"too short", "azblob://ab/p", "acct", `"ab"`},
		{"two dashes", "azblob://back--ups/p", "acct", "container"},
		{"a port", "azblob://backups:80/p", "acct", "container"},
		{"the service's own URL", "https://acct.blob.core.windows.net/backups", "acct", "scheme"},
		{"a prefix that climbs", "azblob://backups/a/../b", "acct", "prefix"},
		{"an empty element", "azblob://backups/a//b", "acct", "prefix"},
		{"a dot that Azure drops", "azblob://backups/a./b", "acct", "drops the dot"},
		{"a fragment", "azblob://backups/a#b", "acct", "fragment"},
		{"an endpoint without a scheme", "azblob://backups?endpoint=h:80", "acct", "endpoint"},

		{"kops: it could be both", "azureblob://other/state/x", "acct", "can be read as account other or as container other"},
		{"kops: neither says the account", "azureblob://state/cl.example.com", "", "AZURE_STORAGE_ACCOUNT"},
		{"kops: no account and one name", "azureblob://state", "", "AZURE_STORAGE_ACCOUNT"},
	}
	for _, test := range tests {
		p, err := parseURL(test.raw, test.account)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s gave %s, %v; want an error with %q", test.reason, test.raw, p, err, test.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the secret: %v", test.reason, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, raw := range []string{
		"azblob://backups", "azblob://backups/a/b?account=acct&endpoint=http://h:1/acct", "azblob://id:secret@backups",
		"azblob://backups/%2e%2e", "azureblob://acct/state/key", "azureblob://state/cl.example.com", "azblob://backups?endpoint=http://%41:1",
	} {
		f.Add(raw, "acct")
		f.Add(raw, "")
	}
	f.Fuzz(func(t *testing.T, raw, account string) {
		p, err := parseURL(raw, account)
		if err != nil {
			return
		}
		// The canonical form needs no variable, and means the same under any.
		for _, variable := range []string{"", account, "another"} {
			if again, err := parseURL(p.String(), variable); err != nil || again != p {
				t.Errorf("%q is %+v, which is %+v, %v", raw, p, again, err)
			}
		}
	})
}

func TestContainerURL(t *testing.T) {
	for raw, want := range map[string]string{
		"azblob://backups/p?account=acct":                              "https://acct.blob.core.windows.net/backups",
		"azblob://backups?account=acct&endpoint=http://h:1/acct":       "http://h:1/acct/backups",
		"azblob://backups?account=acct&endpoint=https://acct.b.local/": "https://acct.b.local/backups",
	} {
		p, err := parseURL(raw, "")
		if err != nil || p.containerURL() != want {
			t.Errorf("%s is asked at %s, %v; want %s", raw, p.containerURL(), err, want)
		}
	}
}
