package cluster

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestPlansDoNotOverlap(t *testing.T) {
	reserved := netip.MustParsePrefix("198.18.0.0/15")
	for i := range networks {
		p := plan{index: i}
		parts := []netip.Prefix{p.nodes(), p.services(), p.pods()}
		for j, part := range parts {
			if part != part.Masked() || !part.Overlaps(p.whole()) || part.Bits() < p.whole().Bits() {
				t.Errorf("%s is no part of %s", part, p.whole())
			}
			for _, other := range parts[:j] {
				if part.Overlaps(other) {
					t.Errorf("%s overlaps %s", part, other)
				}
			}
		}
		if !reserved.Contains(p.whole().Addr()) {
			t.Errorf("%s is outside %s", p.whole(), reserved)
		}
		for j := range i {
			if p.whole().Overlaps(plan{index: j}.whole()) {
				t.Errorf("the networks of clusters %d and %d overlap", i, j)
			}
		}
		for node := range maxNodes {
			if !p.nodes().Contains(p.node(node)) || !p.pods().Contains(p.podsOf(node).Addr()) {
				t.Errorf("node %d has the addresses %s and %s", node, p.node(node), p.podsOf(node))
			}
			if len(p.cable(node)) > 15 {
				t.Errorf("%q is too long for an interface", p.cable(node))
			}
		}
		if !p.services().Contains(p.apiService()) || !p.nodes().Contains(p.gateway()) {
			t.Errorf("the API server's addresses are %s and %s", p.apiService(), p.gateway())
		}
	}
}

func TestNetworksInUseAreLeftAlone(t *testing.T) {
	p := plan{index: 0}
	for name, test := range map[string]struct {
		route string
		taken bool
	}{
		"a default route is no reason":  {"0.0.0.0/0", false},
		"another network is no reason":  {"10.0.0.0/8", false},
		"the next cluster is no reason": {plan{index: 1}.whole().String(), false},
		"a part of it is taken":         {p.podsOf(3).String(), true},
		"all of it is taken":            {"198.18.0.0/15", true},
	} {
		t.Run(name, func(t *testing.T) {
			routes := []netlink.Route{{}, {Dst: ipNet(netip.MustParsePrefix(test.route))}}
			if got := routed(routes, p.whole()); got != test.taken {
				t.Errorf("taken: %t", got)
			}
		})
	}
}

func TestMarksTellClustersApart(t *testing.T) {
	a, again, b := mark("/a").String(), mark("/a").String(), mark("/b").String()
	if a == b || a != again {
		t.Errorf("the marks of one directory are %s and %s, of another %s", a, again, b)
	}
}
