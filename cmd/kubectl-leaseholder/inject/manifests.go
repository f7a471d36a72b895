package inject

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Manifests are files that a command reads, and whose objects it judges as the
// webhook judges their pods. Commands that read manifests share it, with its flags.
type Manifests struct {
	streams   genericiooptions.IOStreams
	files     []string
	recursive bool
	verbose   bool
	flags     struct {
		sidecar        settings.Flags
		policy, server string
	}
	settings injector.Settings
	// namespace is that of objects that do not say theirs, and policy that of
	// namespaces that do not stand in the input with a policy of their own.
	namespace string
	policy    injector.Policy

	// only says that nothing is made of the objects: of each that makes pods, something
	// is told.
	only bool

	policies                    map[string]injector.Policy
	unreadable, refused, warned int
}

// New gives manifests that are not read yet.
func New(streams genericiooptions.IOStreams) *Manifests { return &Manifests{streams: streams} }

const flagAPIServer = "api-server"

// Register gives a command the flags, and no words without a flag.
func (m *Manifests) Register(c *cobra.Command) {
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%q is refused, allowed: no word without a flag: files are named with -f %s", args[0], args[0])
		}
		return nil
	}
	set := c.Flags()
	set.StringSliceVarP(&m.files, "filename", "f", nil, "file, folder, or - for standard input; can be given several times (required)")
	set.BoolVarP(&m.recursive, "recursive", "R", false, "read the folders within folders too")
	set.BoolVarP(&m.verbose, "verbose", "v", false, "say of every object that is left alone why")
	set.StringVar(&m.flags.policy, "policy", "", "what the label "+injector.LabelInjection+" of the namespaces says that are not in the input: "+injector.PolicyAllowed)
	set.StringVar(&m.flags.server, flagAPIServer, "", "address and port of the Service kubernetes, such as 10.96.0.1:443; without it, a mesh's proxy carries the sidecar's traffic to it")
	m.flags.sidecar.RegisterChart(set)
}

// Complete reads what the flags say. The namespace is that of objects that do not
// say theirs; empty when it is not known. The error names every fault.
func (m *Manifests) Complete(namespace string) error {
	var r settings.Reader
	m.settings = m.flags.sidecar.Complete(&r)
	m.settings.APIServer = apiServer(&r, m.flags.server)
	m.policy = injector.Policy(m.flags.policy)
	if m.policy != "" && !slices.Contains(injector.Policies(), m.policy) {
		r.Refuse("--policy", m.flags.policy, "%s", injector.PolicyAllowed)
	}
	if len(m.files) == 0 {
		r.Required("-f", "")
	}
	m.namespace = namespace
	return errors.Join(r.Faults...)
}

// apiServer reads what the webhook knows from its own pod. It may be empty.
func apiServer(r *settings.Reader, value string) netip.AddrPort {
	if value == "" {
		return netip.AddrPort{}
	}
	server, err := netip.ParseAddrPort(value)
	if err != nil || server.Port() == 0 {
		r.Refuse("--"+flagAPIServer, value, "ADDRESS:PORT, such as 10.96.0.1:443 or [fd00::1]:443")
	}
	return server
}

// read reads everything that can be read, file by file, and tells what can't be.
func (m *Manifests) read() [][]document {
	sources, faults := readAll(m.files, m.recursive, m.streams.In)
	for _, fault := range faults {
		m.cannotRead(fault)
	}
	documents := make([][]document, len(sources))
	for i, s := range sources {
		documents[i] = split(s)
		for j := range documents[i] {
			d := &documents[i][j]
			var err error
			if d.objects, err = objectsOf(d.text); err != nil {
				m.cannotRead(fmt.Errorf("%s: %w", d, d.explain(err)))
			}
			m.findPolicies(d.objects)
		}
	}
	return documents
}

// Elected is an object of the manifests whose pods stand in an election.
type Elected struct {
	// Object says where it is, for messages.
	Object string
	// Election is that of its pods.
	Election view.Election
	// Decision is the webhook's about them, and Account their service account.
	Decision injector.Decision
	Account  string
}

// Elected reads everything, and judges it. What is refused is told, as what can't be
// read is, and is then part of the Verdict.
func (m *Manifests) Elected() []Elected {
	var all []Elected
	for _, some := range m.read() {
		for i := range some {
			for _, o := range some[i].objects {
				decision := m.judge(&some[i], o)
				if decision.Election == "" {
					continue
				}
				all = append(all, Elected{
					Object:   fmt.Sprintf("%s: %s", &some[i], o),
					Election: view.Election{Namespace: m.namespaceOf(o).Name, Name: decision.Election},
					Decision: decision,
					Account:  rights.Account(o.pod),
				})
			}
		}
	}
	return all
}

// Check reads everything, judges it, and tells of each object that makes pods what
// becomes of them. The error is the Verdict.
func (m *Manifests) Check() (warnings int, err error) {
	m.only = true
	injected, already, others := 0, 0, 0
	for _, some := range m.read() {
		for i := range some {
			for _, o := range some[i].objects {
				decision := m.judge(&some[i], o)
				switch {
				case decision.Election == "":
					others++
					continue
				case decision.Outcome == injector.Injected:
					injected++
				default:
					already++
				}
				m.tellf("%s: %s: %s", &some[i], o, decision.Message)
			}
		}
	}
	if err := m.Verdict(); err != nil {
		return m.warned, err
	}
	m.tellf("%d get the sidecar, %d bring it along, %d left alone, %d warnings", injected, already, others, m.warned)
	return m.warned, nil
}

// Refuse tells why an object is refused.
func (m *Manifests) Refuse(object, message string) {
	m.refused++
	m.tellf("%s: %s", object, message)
}

// Verdict is the error, with an exit code, of a command that must not write anything.
func (m *Manifests) Verdict() error {
	var parts []string
	code := exit.Done
	if m.refused > 0 {
		code = exit.Wrong
		parts = append(parts, fmt.Sprintf("%d refused", m.refused))
	}
	if m.unreadable > 0 {
		code = exit.Failed
		parts = append(parts, fmt.Sprintf("%d not readable", m.unreadable))
	}
	if code == exit.Done {
		return nil
	}
	if !m.only {
		parts[len(parts)-1] += ": nothing is written"
	}
	return exit.With(code, errors.New(strings.Join(parts, ", ")))
}

func (m *Manifests) tellf(format string, args ...any) {
	_, _ = fmt.Fprintf(m.streams.ErrOut, format+"\n", args...)
}

// warnf tells of what refuses no pod.
func (m *Manifests) warnf(d *document, o *object, format string, args ...any) {
	m.warned++
	m.tellf("%s: %s: warning: %s", d, o, fmt.Sprintf(format, args...))
}

func (m *Manifests) cannotRead(err error) {
	m.unreadable++
	m.tellf("%v", err)
}

func (m *Manifests) refuse(d *document, o *object, message string) {
	m.Refuse(fmt.Sprintf("%s: %s", d, o), message)
}
