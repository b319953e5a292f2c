package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// block is one fenced block of a document.
type block struct {
	line  int    // of its comment
	text  string // between the fences
	shown string // why it is not run
	// prints: the text is what the block before it prints.
	prints bool

	in, store, says, types, until string
	exit                          int
}

// runs reports whether the block is run.
func (b block) runs() bool { return b.shown == "" && !b.prints }

// slow reports whether the block needs more than a state store on disk.
func (b block) slow() bool {
	kind, _, _ := strings.Cut(b.in, "#")
	return b.store != "" || slices.Contains([]string{"cluster", "empty", "trash"}, kind)
}

var (
	comment = regexp.MustCompile(`^<!-- (run|prints|shown:)(.*) -->$`)
	setting = regexp.MustCompile(`^\s+(in|store|exit|says|types|until)=("[^"]*"|'[^']*'|[^\s"']+)`)
)

// parse finds all blocks, and what is wrong with their comments.
func parse(document string) ([]block, error) {
	lines := strings.Split(document, "\n")
	var blocks []block
	for i := 0; i < len(lines); i++ {
		if !strings.HasPrefix(strings.TrimSpace(lines[i]), "```") {
			continue
		}
		if i == 0 {
			return nil, fmt.Errorf("line 1: a block that is not marked")
		}
		b, err := marked(lines[i-1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if b.prints && (len(blocks) == 0 || !blocks[len(blocks)-1].runs()) {
			return nil, fmt.Errorf("line %d: nothing is run before it that could print this", i+1)
		}
		b.line = i
		end := i + 1 + slices.IndexFunc(lines[i+1:], func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "```") })
		if end <= i {
			return nil, fmt.Errorf("line %d: the block does not end", i+1)
		}
		b.text = strings.Join(lines[i+1:end], "\n") + "\n"
		blocks, i = append(blocks, b), end
	}
	return blocks, nil
}

// marked reads the comment in front of a block.
func marked(line string) (block, error) {
	found := comment.FindStringSubmatch(line)
	if found == nil {
		return block{}, fmt.Errorf("a block that is neither marked as run nor as shown")
	}
	kind, rest := found[1], found[2]
	switch {
	case kind == "prints" && rest == "":
		return block{prints: true}, nil
	case kind == "shown:" && strings.TrimSpace(rest) != "":
		return block{shown: strings.TrimSpace(rest)}, nil
	case kind != "run":
		return block{}, fmt.Errorf("no reason is given: %s", line)
	}
	var b block
	for rest != "" {
		m := setting.FindStringSubmatch(rest)
		if m == nil {
			return block{}, fmt.Errorf("not understood: %s", rest)
		}
		value := m[2]
		if strings.ContainsAny(value[:1], `"'`) {
			value = value[1 : len(value)-1]
		}
		if err := b.set(m[1], value); err != nil {
			return block{}, err
		}
		rest = rest[len(m[0]):]
	}
	if b.in == "" {
		return block{}, fmt.Errorf("it says no world: %s", line)
	}
	return b, nil
}

func (b *block) set(name, value string) (err error) {
	switch name {
	case "in":
		b.in = value
	case "store":
		b.store = value
	case "says":
		b.says = value
	case "types":
		b.types = value
	case "until":
		b.until = value
	case "exit":
		b.exit, err = strconv.Atoi(value)
	}
	return err
}

func TestBlocksMustBeMarked(t *testing.T) {
	for _, c := range []struct{ reason, document, wrong string }{
		{"run", "<!-- run in=healthy exit=3 says=\"a b\" -->\n```sh\nx\n```\n", ""},
		{"shown", "<!-- shown: it needs a node -->\n```sh\nx\n```\n", ""},
		{"printed", "<!-- run in=healthy -->\n```sh\nx\n```\n\n<!-- prints -->\n```\ny\n```\n", ""},
		{"none", "no block\n", ""},
		{"not marked", "text\n```sh\nx\n```\n", "neither"},
		{"not marked, in a list", "1. text\n   ```sh\n   x\n   ```\n", "neither"},
		{"not marked, on the first line", "```\nx\n```\n", "not marked"},
		{"a mark that is not right before it", "<!-- shown: why -->\n\n```sh\nx\n```\n", "neither"},
		{"no reason", "<!-- shown: -->\n```sh\nx\n```\n", "no reason"},
		{"no world", "<!-- run exit=3 -->\n```sh\nx\n```\n", "no world"},
		{"a word that there is not", "<!-- run in=healthy exits=3 -->\n```sh\nx\n```\n", "not understood"},
		{"prints after nothing", "<!-- prints -->\n```\ny\n```\n", "nothing is run"},
		{"prints after what is shown", "<!-- shown: why -->\n```sh\nx\n```\n<!-- prints -->\n```\ny\n```\n", "nothing is run"},
		{"no end", "<!-- shown: why -->\n```sh\nx\n", "does not end"},
	} {
		_, err := parse(c.document)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v; want %q", c.reason, err, c.wrong)
		}
	}
	got, err := parse("<!-- run in=gone#x store=s3 exit=3 says='\"a\" b' types=y until=z -->\n```sh\nls\n```\n")
	want := block{line: 1, text: "ls\n", in: "gone#x", store: "s3", exit: 3, says: `"a" b`, types: "y", until: "z"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v (%v); want %+v", got, err, want)
	}
}
