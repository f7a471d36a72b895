package main

import (
	"net/netip"
	"strconv"
)

// apiServer is what the kubelet tells every pod, so it is the same in those that
// get a sidecar. Outside a cluster, or where it is a name, it is not known.
func apiServer(getenv func(string) string) netip.AddrPort {
	address, err := netip.ParseAddr(getenv("KUBERNETES_SERVICE_HOST"))
	if err != nil {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(getenv("KUBERNETES_SERVICE_PORT"), 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(address, uint16(port))
}
