package lifecycle

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// MaxSize is the longest text of rules that is parsed. S3 allows 1000 rules.
	MaxSize  = 4 << 20
	maxDepth = 16
)

// node is an element of XML with all that is in it, so that nothing in it goes
// unnoticed.
type node struct {
	name     string
	text     string
	children []node
}

// parseXML reads one element and what follows it, which must be nothing.
func parseXML(raw []byte) (node, error) {
	if len(raw) > MaxSize {
		return node{}, fmt.Errorf("%d bytes, more than %d", len(raw), MaxSize)
	}
	d := xml.NewDecoder(bytes.NewReader(raw))
	var root *node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return *root, nil
		}
		if errors.Is(err, io.EOF) {
			return node{}, errors.New("no XML element")
		}
		if err != nil {
			return node{}, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root != nil {
			return node{}, errors.New("a second XML element")
		}
		n, err := element(d, start, 0)
		if err != nil {
			return node{}, err
		}
		root = &n
	}
}

func element(d *xml.Decoder, start xml.StartElement, depth int) (node, error) {
	n := node{name: start.Name.Local}
	if depth > maxDepth {
		return n, errors.New("XML nested too deeply")
	}
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return n, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			child, err := element(d, token, depth+1)
			if err != nil {
				return n, err
			}
			n.children = append(n.children, child)
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			n.text = text.String()
			return n, nil
		}
	}
}

// value is the text of an element that holds nothing else.
func (n node) value() string { return strings.TrimSpace(n.text) }

// child is the first child of a name.
func (n node) child(name string) (node, bool) {
	for _, c := range n.children {
		if c.name == name {
			return c, true
		}
	}
	return node{}, false
}

// RootElement is the name of the element that a text of XML consists of, or ""
// if it is none: by it an answer of S3 is told from a stranger's.
func RootElement(raw []byte) string {
	n, err := parseXML(raw)
	if err != nil {
		return ""
	}
	return n.name
}
