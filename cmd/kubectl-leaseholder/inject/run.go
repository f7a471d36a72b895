package inject

import (
	"bytes"
	"fmt"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject/edit"
	"github.com/leaseholder-dev/leaseholder/injector"
)

// injection is one call of the command.
type injection struct {
	*Manifests

	injected, already, others int
}

// run writes everything or nothing.
func (in *injection) run() error {
	documents := in.read()
	for _, some := range documents {
		for j := range some {
			in.inject(&some[j])
		}
	}
	if err := in.Verdict(); err != nil {
		return err
	}
	if _, err := in.streams.Out.Write(join(documents)); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	in.tellf("%d injected, %d injected before, %d left alone", in.injected, in.already, in.others)
	return nil
}

// inject changes the text of a document, unless one of its objects is refused.
func (in *injection) inject(d *document) {
	var ops []jsonpatch.Operation
	for _, o := range d.objects {
		decision := in.judge(d, o)
		switch {
		case decision.Outcome == injector.Injected:
			in.injected++
		case decision.Reason == injector.AlreadyInjected:
			in.already++
		default:
			in.others++
		}
		ops = append(ops, place(o, decision.Patch)...)
	}
	if len(ops) == 0 {
		return
	}
	text, err := edit.Apply(d.text, ops)
	if err != nil {
		in.refused++
		in.tellf("%s: %v: write it in another way, or let the webhook inject its pods", d, err)
		return
	}
	d.text = text
}

// join puts the files behind each other, as documents of one stream.
func join(documents [][]document) []byte {
	var all bytes.Buffer
	for _, some := range documents {
		if len(some) == 0 {
			continue
		}
		if all.Len() > 0 {
			if !bytes.HasSuffix(all.Bytes(), []byte("\n")) {
				all.WriteByte('\n')
			}
			if !begins(some[0].text) {
				all.WriteString("---\n")
			}
		}
		for i := range some {
			all.Write(some[i].text)
		}
	}
	return all.Bytes()
}
