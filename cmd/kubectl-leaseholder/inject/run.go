package inject

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject/edit"
	"github.com/leaseholder-dev/leaseholder/injector"
)

// injection is one call of the command.
type injection struct {
	streams   genericiooptions.IOStreams
	files     []string
	recursive bool
	verbose   bool
	// only says that objects are only judged: each that makes pods is told of, and
	// nothing is written.
	only     bool
	settings injector.Settings
	// namespace is that of objects that do not say theirs, and policy that of
	// namespaces that do not stand in the input with a policy of their own.
	namespace string
	policy    injector.Policy

	policies                  map[string]injector.Policy
	unreadable, refused       int
	injected, already, others int
	warned                    int
}

// run writes everything or nothing.
func (in *injection) run() error {
	sources, faults := readAll(in.files, in.recursive, in.streams.In)
	for _, fault := range faults {
		in.cannotRead(fault)
	}
	documents := make([][]document, len(sources))
	objects := map[*document][]*object{}
	for i, s := range sources {
		documents[i] = split(s)
		for j := range documents[i] {
			d := &documents[i][j]
			var err error
			if objects[d], err = objectsOf(d.text); err != nil {
				in.cannotRead(fmt.Errorf("%s: %w", d, d.explain(err)))
			}
		}
	}
	for _, some := range documents {
		for j := range some {
			in.findPolicies(objects[&some[j]])
		}
	}
	for _, some := range documents {
		for j := range some {
			in.inject(&some[j], objects[&some[j]])
		}
	}
	if err := in.verdict(); err != nil {
		return err
	}
	if in.only {
		in.tellf("%d get the sidecar, %d bring it along, %d left alone, %d warnings", in.injected, in.already, in.others, in.warned)
		return nil
	}
	if _, err := in.streams.Out.Write(join(documents)); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	in.tellf("%d injected, %d injected before, %d left alone", in.injected, in.already, in.others)
	return nil
}

func (in *injection) tellf(format string, args ...any) {
	_, _ = fmt.Fprintf(in.streams.ErrOut, format+"\n", args...)
}

func (in *injection) cannotRead(err error) {
	in.unreadable++
	in.tellf("%v", err)
}

// warnf tells of what refuses no pod.
func (in *injection) warnf(d *document, o *object, format string, args ...any) {
	in.warned++
	in.tellf("%s: %s: warning: %s", d, o, fmt.Sprintf(format, args...))
}

func (in *injection) refuse(d *document, o *object, message string) {
	in.refused++
	in.tellf("%s: %s: %s", d, o, message)
}

// verdict is the error of a call that must not write anything.
func (in *injection) verdict() error {
	var parts []string
	code := 0
	if in.refused > 0 {
		code = exitRefused
		parts = append(parts, fmt.Sprintf("%d refused", in.refused))
	}
	if in.unreadable > 0 {
		code = exitFailed
		parts = append(parts, fmt.Sprintf("%d not readable", in.unreadable))
	}
	if code == 0 {
		return nil
	}
	if !in.only {
		parts[len(parts)-1] += ": nothing is written"
	}
	return &failure{code: code, error: errors.New(strings.Join(parts, ", "))}
}

// inject changes the text of a document, unless one of its objects is refused.
func (in *injection) inject(d *document, objects []*object) {
	var ops []jsonpatch.Operation
	for _, o := range objects {
		ops = append(ops, in.judge(d, o)...)
	}
	if len(ops) == 0 || in.only {
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
