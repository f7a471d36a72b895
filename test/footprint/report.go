package footprint

import (
	"fmt"
	"strconv"
	"strings"
)

// megabytes is a size as a document tells it. A megabyte is a million bytes.
func megabytes(size int64) string { return fmt.Sprintf("%.1f MB", float64(size)/1e6) }

// thousands is a number with its digits in groups of three.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Text is the report for a terminal, in bytes.
func (r *Report) Text() string {
	var b strings.Builder
	table := func(title string, rows []Part) {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, p := range rows {
			fmt.Fprintf(&b, "%12d  %s\n", p.Size, strings.ReplaceAll(p.Name, "`", ""))
		}
	}
	fmt.Fprintf(&b, "The sidecar's program in bytes, built with Go %s. The budget is %d.\n", r.Go, Budget)
	table("As released, by architecture:", r.Programs)
	table("The other program, for locks outside the cluster:", []Part{{analysed, r.Cloud}})
	table("What the program for "+analysed+" is made of:", r.Parts)
	table("Programs on the way to it:", r.Steps)
	table("What it shrinks by without:", r.Cuts)
	return b.String()
}

// Document is docs/footprint.md.
func (r *Report) Document() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What the sidecar weighs

<!-- Written by "make footprint WRITE=1". A test holds it to what is measured. -->

The sidecar runs in every pod, so its program has a budget: **%s** (%s bytes) for every architecture. A test that CI runs fails when it is
exceeded. `+"`make footprint`"+` measures it and prints all of this in bytes.

| architecture | size |
| --- | --- |
`, megabytes(Budget), thousands(Budget))
	rows(&b, r.Programs)
	fmt.Fprintf(&b, `
It is one static program, and the image holds nothing else but its bill of materials. What it takes in memory is another matter.

Where a pod's lock is outside the cluster, another program is injected, which brings the libraries of the clouds along. It has no budget:

| image | program, %s |
| --- | --- |
| `+"`leaseholder-sidecar`, for `lease` and `endpoints`"+` | %s |
| `+"`leaseholder-sidecar-cloud`, for `gs`, `azblob` and `s3` too"+` | %s |

## What it is made of

| part | size |
| --- | --- |
`, analysed, megabytes(r.Programs[0].Size), megabytes(r.Cloud))
	rows(&b, r.Parts)
	b.WriteString(`
The parts add up to the program. Code and variables are told by the package that they come from. The last two rows are made by the linker for all
packages together, and can't be told apart: they grow with the code, so an import costs about twice what its own row says. What one really
costs is seen by building without it:

| program | size | more than the one before |
| --- | --- | --- |
`)
	var before int64
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.Name, megabytes(s.Size), megabytes(s.Size-before))
		before = s.Size
	}
	b.WriteString(`
Each of these programs has all that the one before it has, so a row says what comes on top; in another order the shares would be others, since imports
have imports in common.

| without | the program shrinks by |
| --- | --- |
`)
	rows(&b, r.Cuts)
	fmt.Fprintf(&b, `
`+"`k8s.io/client-go/kubernetes`"+`, the client of all API types, is not among the imports: a test in test/layout forbids it. Nor is Prometheus' client library.

## How it is measured

- Built with Go %s and the flags that it is released with (`+"`-trimpath`, no symbols"+`), without cgo. A megabyte is a million bytes. Another compiler
  gives other sizes.
- The parts are the sizes of the symbols of the same program for %s, built with its symbols, summed by package. Zeroed memory, which the file does not
  hold, is left out.
- The programs with fewer imports are in test/footprint/steps. "Without" is the sidecar with one function emptied, and so without the imports that it alone
  used.
- Sizes are rounded, and may be off by one in the last figure before this page has to be written anew. The lists of parts and modules must be exact.

## Modules linked in

`, r.Go, analysed)
	for _, m := range r.Modules {
		fmt.Fprintf(&b, "- `%s`\n", m)
	}
	return b.String()
}

func rows(b *strings.Builder, parts []Part) {
	for _, p := range parts {
		fmt.Fprintf(b, "| %s | %s |\n", p.Name, megabytes(p.Size))
	}
}
