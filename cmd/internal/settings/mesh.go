package settings

import (
	"slices"
	"strings"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Meshes reads a list of meshes, which may be empty.
func (r *Reader) Meshes(name, value string) []injector.Mesh {
	if value == "" {
		return nil
	}
	var meshes []injector.Mesh
	for word := range strings.SplitSeq(value, ",") {
		mesh := injector.Mesh(strings.TrimSpace(word))
		if !slices.Contains(injector.Meshes(), mesh) {
			r.Refuse(name, value, "%s, separated by commas", meshNames())
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
