package controller

import (
	"context"
	"maps"
	"sort"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/agent"
)

// peers are the agents whose addresses are known. Discovery supplies
// addresses, never the list of who is expected.
type peers struct {
	dial  func(name, addr string) (Peer, error)
	mu    sync.Mutex
	addrs map[string]string
	open  map[string]Peer
}

// heard is what came of asking one agent.
type heard struct {
	name      string
	peer      Peer
	testimony agent.Testimony
	err       error
}

func newPeers(addrs map[string]string, dial func(name, addr string) (Peer, error)) *peers {
	return &peers{dial: dial, addrs: maps.Clone(addrs), open: map[string]Peer{}}
}

// askAll asks every agent that is known, then those whom the answers name,
// until nobody new is named.
func (p *peers) askAll(ctx context.Context, ask func(context.Context, Peer) (agent.Testimony, error)) map[string]heard {
	answers := map[string]heard{}
	for {
		names := p.unasked(answers)
		if len(names) == 0 {
			return answers
		}
		results := make(chan heard, len(names))
		for _, name := range names {
			go func() { results <- p.ask(ctx, name, ask) }()
		}
		for range names {
			h := <-results
			answers[h.name] = h
			p.learn(h.testimony.Peers)
		}
	}
}

func (p *peers) ask(ctx context.Context, name string, ask func(context.Context, Peer) (agent.Testimony, error)) heard {
	peer, err := p.get(name)
	if err != nil {
		return heard{name: name, err: err}
	}
	t, err := ask(ctx, peer)
	return heard{name: name, peer: peer, testimony: t, err: err}
}

func (p *peers) get(name string) (Peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer := p.open[name]; peer != nil {
		return peer, nil
	}
	peer, err := p.dial(name, p.addrs[name])
	if err != nil {
		return nil, err
	}
	p.open[name] = peer
	return peer, nil
}

func (p *peers) unasked(answers map[string]heard) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name := range p.addrs {
		if _, asked := answers[name]; !asked {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// learn takes over addresses that an agent was told of.
func (p *peers) learn(told map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, addr := range told {
		if _, known := p.addrs[name]; !known {
			p.addrs[name] = addr
		}
	}
}
