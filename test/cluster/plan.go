package cluster

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// networks is how many clusters one machine can have at a time.
const networks = 16

// plan is the names and addresses of one cluster, all derived from an index.
// They come from 198.18.0.0/15, which is set aside for tests of networks and
// routed nowhere; each cluster has a /19 of it.
type plan struct {
	index int
}

// bridge and cable are names of network interfaces, at most 15 bytes.
func (p plan) bridge() string        { return "lh" + strconv.Itoa(p.index) }
func (p plan) cable(node int) string { return fmt.Sprintf("lh%dn%d", p.index, node) }

// cgroup is the group of the whole cluster.
func (p plan) cgroup() string { return "leaseholder-" + strconv.Itoa(p.index) }

// gateway is the host's address in the nodes' network.
func (p plan) gateway() netip.Addr       { return p.at(0, 1) }
func (p plan) node(i int) netip.Addr     { return p.at(0, 10+i) }
func (p plan) nodes() netip.Prefix       { return netip.PrefixFrom(p.at(0, 0), 24) }
func (p plan) services() netip.Prefix    { return netip.PrefixFrom(p.at(8, 0), 21) }
func (p plan) apiService() netip.Addr    { return p.at(8, 1) }
func (p plan) pods() netip.Prefix        { return netip.PrefixFrom(p.at(16, 0), 20) }
func (p plan) podsOf(i int) netip.Prefix { return netip.PrefixFrom(p.at(16+i, 0), 24) }
func (p plan) whole() netip.Prefix       { return netip.PrefixFrom(p.at(0, 0), 19) }

func (p plan) at(third, fourth int) netip.Addr {
	third += p.index * 32
	return netip.AddrFrom4([4]byte{198, byte(18 + third/256), byte(third % 256), byte(fourth)})
}

// mark is the hardware address of the bridge of the cluster in a directory: by
// it the bridge is known as this cluster's from the moment it exists.
func mark(dir string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(dir))
	// Two bits of the first byte say: one interface, locally administered.
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}
}

// ipNet is a prefix as package net has it.
func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
