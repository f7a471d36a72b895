package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// meshes reads a list of meshes, which may be empty.
func (c *completer) meshes(name, value string) []injector.Mesh {
	if value == "" {
		return nil
	}
	var meshes []injector.Mesh
	for word := range strings.SplitSeq(value, ",") {
		mesh := injector.Mesh(strings.TrimSpace(word))
		if !slices.Contains(injector.Meshes(), mesh) {
			c.refuse(name, value, "%s, separated by commas", meshNames())
			return nil
		}
		meshes = append(meshes, mesh)
	}
	return meshes
}

func meshNames() string {
	var names []string
	for _, mesh := range injector.Meshes() {
		names = append(names, string(mesh))
	}
	return strings.Join(names, ", ")
}

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
