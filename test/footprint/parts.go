package footprint

import (
	"debug/elf"
	"fmt"
)

// Part is some of the program, with its size in bytes.
type Part struct {
	Name string
	Size int64
}

// What the linker makes for all packages together, and so is nobody's.
const (
	lineTables = "line tables and stack maps (pclntab), of all code"
	remainder  = "types, constants, strings and headers, of all code"
)

// parts divides a program that is released with size bytes. path is the same
// program with its symbols, which the released one lacks. The parts come in the
// order of the groups and add up to size.
func parts(path string, size int64) ([]Part, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	defer func() { _ = file.Close() }()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read the program's symbols: %w", err)
	}
	table := file.Section(".gopclntab")
	if table == nil {
		return nil, fmt.Errorf("read the program %q: it has no section .gopclntab", path)
	}
	sizes := map[string]int64{}
	for _, s := range symbols {
		if int(s.Section) >= len(file.Sections) {
			continue
		}
		section := file.Sections[s.Section]
		if section == table || section.Type == elf.SHT_NOBITS {
			continue // told as a whole, and not in the file
		}
		if p := packageOf(s.Name); p != "" {
			sizes[groupOf(p)] += int64(s.Size)
		}
	}
	all := make([]Part, 0, len(groups)+2)
	rest := size - int64(table.Size)
	for _, g := range groups {
		if own := sizes[g.name]; own > 0 || g.name != unassigned {
			all = append(all, Part{g.name, own})
			rest -= own
		}
	}
	if rest < 0 {
		return nil, fmt.Errorf("divide the program %q: its symbols take %d bytes more than it has", path, -rest)
	}
	return append(all, Part{lineTables, int64(table.Size)}, Part{remainder, rest}), nil
}
