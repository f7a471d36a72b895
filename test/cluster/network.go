package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// createBridge makes the cluster's bridge with the first free index. Making it
// is what takes the index: the kernel lets one of two clusters win.
func createBridge(dir string) (plan, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return plan{}, fmt.Errorf("list the routes: %w", err)
	}
	for index := range networks {
		p := plan{index: index}
		if routed(routes, p.whole()) {
			continue
		}
		attributes := netlink.NewLinkAttrs()
		attributes.Name = p.bridge()
		attributes.HardwareAddr = mark(dir)
		err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes})
		if errors.Is(err, syscall.EEXIST) {
			continue
		}
		if err != nil {
			return plan{}, fmt.Errorf("create the bridge %q: %w", p.bridge(), err)
		}
		return p, nil
	}
	return plan{}, fmt.Errorf("create a bridge: all %d networks of 198.18.0.0/15 are in use", networks)
}

// routed tells whether the machine sends any part of a prefix somewhere on
// purpose.
func routed(routes []netlink.Route, prefix netip.Prefix) bool {
	for _, route := range routes {
		if route.Dst == nil {
			continue
		}
		address, _ := netip.AddrFromSlice(route.Dst.IP)
		bits, _ := route.Dst.Mask.Size()
		if bits > 0 && netip.PrefixFrom(address.Unmap(), bits).Overlaps(prefix) {
			return true
		}
	}
	return false
}

// openBridge gives the host its address and its ways to the pods.
func (p plan) openBridge(nodes int) error {
	link, err := netlink.LinkByName(p.bridge())
	if err != nil {
		return fmt.Errorf("find the bridge %q: %w", p.bridge(), err)
	}
	address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(p.gateway(), p.nodes().Bits()))}
	if err := netlink.AddrReplace(link, address); err != nil {
		return fmt.Errorf("give the bridge %q its address: %w", p.bridge(), err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("start the bridge %q: %w", p.bridge(), err)
	}
	for i := range nodes {
		if err := routeBy(nil, link, p.podsOf(i), p.node(i)); err != nil {
			return err
		}
	}
	return nil
}

// routeServices sends the host's requests for Services to a node, whose
// kube-proxy passes them on.
func (p plan) routeServices(node int) error {
	link, err := netlink.LinkByName(p.bridge())
	if err != nil {
		return fmt.Errorf("find the bridge %q: %w", p.bridge(), err)
	}
	return routeBy(nil, link, p.services(), p.node(node))
}

// connect lays the cable between the bridge and the network namespace of a
// process, and sets up the namespace's end. The cable vanishes with the
// namespace.
func (p plan) connect(ctx context.Context, node, nodes, pid int) error {
	bridge, err := netlink.LinkByName(p.bridge())
	if err != nil {
		return fmt.Errorf("find the bridge %q: %w", p.bridge(), err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = p.cable(node)
	attributes.MasterIndex = bridge.Attrs().Index
	cable := &netlink.Veth{LinkAttrs: attributes, PeerName: nodeInterface, PeerNamespace: netlink.NsPid(pid)}
	// The kernel takes its time with the namespace of a node that was killed.
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		err := netlink.LinkAdd(cable)
		if errors.Is(err, syscall.EEXIST) {
			return false, notYet{fmt.Errorf("the node's last cable %q is still there", p.cable(node))}
		}
		return true, err
	})
	if err != nil {
		return fmt.Errorf("lay the cable %q: %w", p.cable(node), err)
	}
	if err := netlink.LinkSetUp(cable); err != nil {
		return fmt.Errorf("start the cable %q: %w", p.cable(node), err)
	}
	return p.openNode(node, nodes, pid)
}

// nodeInterface is the name of the cable's end in a node.
const nodeInterface = "eth0"

func (p plan) openNode(node, nodes, pid int) error {
	namespace, err := netns.GetFromPid(pid)
	if err != nil {
		return fmt.Errorf("open the network of process %d: %w", pid, err)
	}
	defer namespace.Close()
	inside, err := netlink.NewHandleAt(namespace)
	if err != nil {
		return fmt.Errorf("open the network of process %d: %w", pid, err)
	}
	defer inside.Close()

	loopback, err := inside.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find a node's loopback interface: %w", err)
	}
	if err := inside.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("start a node's loopback interface: %w", err)
	}
	link, err := inside.LinkByName(nodeInterface)
	if err != nil {
		return fmt.Errorf("find a node's interface: %w", err)
	}
	address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(p.node(node), p.nodes().Bits()))}
	if err := inside.AddrReplace(link, address); err != nil {
		return fmt.Errorf("give a node its address: %w", err)
	}
	if err := inside.LinkSetUp(link); err != nil {
		return fmt.Errorf("start a node's interface: %w", err)
	}
	for other := range nodes {
		if other == node {
			continue
		}
		if err := routeBy(inside, link, p.podsOf(other), p.node(other)); err != nil {
			return err
		}
	}
	// Any route will do for Services: kube-proxy changes the destination of
	// what has one, and nobody answers for what has none.
	return routeBy(inside, link, p.services(), netip.Addr{})
}

// routeBy sets one route, on the host if no handle is given.
func routeBy(handle *netlink.Handle, link netlink.Link, to netip.Prefix, by netip.Addr) error {
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to)}
	if by.IsValid() {
		route.Gw = net.IP(by.AsSlice())
	} else {
		route.Scope = netlink.SCOPE_LINK
	}
	replace := netlink.RouteReplace
	if handle != nil {
		replace = handle.RouteReplace
	}
	if err := replace(route); err != nil {
		return fmt.Errorf("route %s by way of %q: %w", to, link.Attrs().Name, err)
	}
	return nil
}

// cut takes a node's cable down and heal takes it up.
func (p plan) cut(node int) error {
	link, err := netlink.LinkByName(p.cable(node))
	if err != nil {
		return fmt.Errorf("find the cable %q: %w", p.cable(node), err)
	}
	if err := netlink.LinkSetDown(link); err != nil {
		return fmt.Errorf("take the cable %q down: %w", p.cable(node), err)
	}
	return nil
}

func (p plan) heal(node int) error {
	link, err := netlink.LinkByName(p.cable(node))
	if err != nil {
		return fmt.Errorf("find the cable %q: %w", p.cable(node), err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("take the cable %q up: %w", p.cable(node), err)
	}
	return nil
}

// connected tells whether a node has its cable and it is up.
func (p plan) connected(node int) bool {
	link, err := netlink.LinkByName(p.cable(node))
	return err == nil && link.Attrs().Flags&net.FlagUp != 0
}

// removeNetwork removes the bridges of the cluster in a directory and the
// cables on them. It goes by the mark, so that it finds a bridge whose name
// nobody had the time to write down.
func removeNetwork(dir string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list the network interfaces: %w", err)
	}
	var failed error
	for _, bridge := range links {
		if bridge.Type() != "bridge" || !bytes.Equal(bridge.Attrs().HardwareAddr, mark(dir)) {
			continue
		}
		for _, cable := range links {
			if cable.Attrs().MasterIndex == bridge.Attrs().Index {
				failed = errors.Join(failed, removeLink(cable))
			}
		}
		failed = errors.Join(failed, removeLink(bridge))
	}
	return failed
}

func removeLink(link netlink.Link) error {
	err := netlink.LinkDel(link)
	// A cable may go by itself meanwhile, with its node's namespace.
	if err != nil && !errors.Is(err, syscall.ENODEV) && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("remove the network interface %q: %w", link.Attrs().Name, err)
	}
	return nil
}
