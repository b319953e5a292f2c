package spec

import (
	"errors"
	"fmt"
)

// maxProblems is how many are named at once; a file can have a million.
const maxProblems = 100

// problems gathers what is wrong, so that all of it is told at once.
type problems struct {
	list []error
	more int
}

// value notes a field whose value is wrong, and what is wanted in its place.
func (p *problems) value(field, value, why string, args ...any) {
	p.add(fmt.Errorf("%s %.100q: %s", field, value, fmt.Sprintf(why, args...)))
}

// field notes a field that is wrong without a value that could be shown.
func (p *problems) field(field, why string, args ...any) {
	p.add(fmt.Errorf("%s: %s", field, fmt.Sprintf(why, args...)))
}

func (p *problems) add(err error) {
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, err)
}

// under takes over what was found in a part, named before each.
func (p *problems) under(part string, found *problems) {
	for _, err := range found.list {
		p.add(fmt.Errorf("%s: %w", part, err))
	}
	p.more += found.more
}

func (p *problems) none() bool { return len(p.list) == 0 }

func (p *problems) err() error {
	list := p.list
	if p.more > 0 {
		list = append(list[:len(list):len(list)], fmt.Errorf("and %d more", p.more))
	}
	return errors.Join(list...)
}
