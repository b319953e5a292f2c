package azblob

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/seedproof/seedproof/internal/store"
)

// place is what a URL says, with the account filled in.
type place struct {
	account   string
	container string
	prefix    string // without slashes at its ends
	endpoint  string // the URL of the account's blob service; "" is Azure's public cloud
}

const (
	expected = "expected azblob://CONTAINER/PREFIX?account=ACCOUNT"

	ownScheme  = "azblob"
	kopsScheme = "azureblob"
)

var (
	accountName   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

func isContainer(name string) bool {
	return len(name) >= 3 && len(name) <= 63 && containerName.MatchString(name)
}

// parseURL reads a store URL, where account is what AZURE_STORAGE_ACCOUNT says.
// Its errors never repeat what could be a secret in a URL that was put together
// wrongly.
func parseURL(raw, account string) (place, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return place{}, errors.New("azblob store URL: not a URL; " + expected)
	}
	switch {
	case u.Scheme != ownScheme && u.Scheme != kopsScheme:
		return place{}, errors.New("azblob store URL: the scheme is not azblob; " + expected)
	case u.User != nil:
		return place{}, errors.New("azblob store URL: it carries credentials; put a key into AZURE_STORAGE_KEY, or sign in as azidentity's default chain knows it")
	case u.Fragment != "":
		return place{}, errors.New("azblob store URL: it has a fragment (#); " + expected)
	}
	p, err := parseQuery(u.RawQuery)
	if err != nil {
		return place{}, fmt.Errorf("azblob store URL: %w", err)
	}
	p.container, p.prefix = u.Host, strings.Trim(u.Path, "/")
	if u.Scheme == kopsScheme && p.account == "" {
		if err := p.readAsKops(account); err != nil {
			return place{}, fmt.Errorf("azblob store URL: %w", err)
		}
	}
	if p.account == "" {
		p.account = account
	}
	if err := p.check(); err != nil {
		return place{}, fmt.Errorf("azblob store URL: %w", err)
	}
	return p, nil
}

func parseQuery(raw string) (place, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return place{}, errors.New("the part after ? cannot be read")
	}
	var p place
	for name, values := range query {
		if len(values) != 1 {
			return place{}, fmt.Errorf("parameter %q is given %d times", name, len(values))
		}
		switch name {
		case "account":
			if !accountName.MatchString(values[0]) {
				return place{}, errors.New("account is not the name of a storage account")
			}
			p.account = values[0]
		case "endpoint":
			if err := p.setEndpoint(values[0]); err != nil {
				return place{}, err
			}
		default:
			return place{}, fmt.Errorf("unknown parameter %q; known are account, endpoint", name)
		}
	}
	return p, nil
}

func (p *place) setEndpoint(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("endpoint is not the http:// or https:// URL of a blob service")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("endpoint carries more than scheme, host, port and path")
	}
	p.endpoint = strings.TrimRight(u.String(), "/")
	return nil
}

// readAsKops tells kops's two spellings apart: azureblob://ACCOUNT/CONTAINER/KEY
// of newer versions, and azureblob://CONTAINER/KEY of older ones and of
// etcd-manager, where AZURE_STORAGE_ACCOUNT (here: account) names the account.
// What could be both is refused: the wrong reading is another place.
func (p *place) readAsKops(account string) error {
	first, rest, _ := strings.Cut(p.prefix, "/")
	withAccount := accountName.MatchString(p.container) && isContainer(first)
	switch {
	case withAccount && (account == "" || account == p.container):
		p.account, p.container, p.prefix = p.container, first, strings.Trim(rest, "/")
		return nil
	case withAccount:
		return fmt.Errorf("azureblob://%s/%s… can be read as account %s or as container %s of AZURE_STORAGE_ACCOUNT=%s; write azblob://CONTAINER/PREFIX?account=ACCOUNT",
			p.container, first, p.container, p.container, account)
	case account == "":
		return errors.New("azureblob://CONTAINER/KEY needs AZURE_STORAGE_ACCOUNT; or write azblob://CONTAINER/PREFIX?account=ACCOUNT")
	}
	return nil
}

func (p place) check() error {
	if !isContainer(p.container) {
		return fmt.Errorf("%q is not the name of a container; %s", p.container, expected)
	}
	if p.account == "" {
		return errors.New("no storage account is named; set AZURE_STORAGE_ACCOUNT or add ?account=ACCOUNT")
	}
	if !accountName.MatchString(p.account) {
		return errors.New("AZURE_STORAGE_ACCOUNT is not the name of a storage account")
	}
	if p.prefix == "" {
		return nil
	}
	if err := checkKey(p.prefix); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	return nil
}

// checkKey is store.CheckKey, and refuses what Azure would store under another
// name.
func checkKey(key string) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	for element := range strings.SplitSeq(key, "/") {
		if strings.HasSuffix(element, ".") {
			return fmt.Errorf("%w %q: Azure drops the dot at the end of element %q", store.ErrBadKey, key, element)
		}
	}
	return nil
}

// containerURL is where the container is asked.
func (p place) containerURL() string {
	service := p.endpoint
	if service == "" {
		service = "https://" + p.account + ".blob.core.windows.net"
	}
	return service + "/" + p.container
}

// root is what stands before every key of ours in the container.
func (p place) root() string {
	if p.prefix == "" {
		return ""
	}
	return p.prefix + "/"
}

// String is the URL in its one canonical form.
func (p place) String() string {
	u := url.URL{Scheme: ownScheme, Host: p.container}
	if p.prefix != "" {
		u.Path = "/" + p.prefix
	}
	query := url.Values{"account": {p.account}}
	if p.endpoint != "" {
		query.Set("endpoint", p.endpoint)
	}
	u.RawQuery = query.Encode()
	return u.String()
}
