package inject

import (
	"errors"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/injector"
)

// Manifests are files to inject or to judge, as the command line names them, and what
// is known of the cluster that they are for.
type Manifests struct {
	files     []string
	recursive bool
	sidecar   settings.Flags
	policy    string
	server    string
}

const (
	flagFiles     = "filename"
	flagAPIServer = "api-server"
)

// Register registers the flags.
func (m *Manifests) Register(set *pflag.FlagSet) {
	set.StringSliceVarP(&m.files, flagFiles, "f", nil, "file, folder, or - for standard input; can be given several times")
	set.BoolVarP(&m.recursive, "recursive", "R", false, "read the folders within folders too")
	set.StringVar(&m.policy, "policy", "", "what the label "+injector.LabelInjection+" of the namespaces says that are not in the input: "+injector.PolicyAllowed)
	set.StringVar(&m.server, flagAPIServer, "", "address and port of the Service kubernetes, such as 10.96.0.1:443; without it, a mesh's proxy carries the sidecar's traffic to it")
	m.sidecar.RegisterChart(set)
}

// Check judges every object, and tells of each with a pod template what becomes of
// its pods, on standard output. No cluster is asked. The error's exit code is that of
// the command inject.
func (m *Manifests) Check(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (warnings int, err error) {
	in, err := m.complete(streams.In, streams.Out, namespaceOf(flags))
	if err != nil {
		return 0, err
	}
	in.only = true
	err = in.run()
	return in.warned, err
}

// complete reads what the flags say. The error names every fault.
func (m *Manifests) complete(from io.Reader, to io.Writer, namespace string) (*injection, error) {
	var r settings.Reader
	in := &injection{
		streams:   genericiooptions.IOStreams{In: from, ErrOut: to},
		files:     m.files,
		recursive: m.recursive,
		settings:  m.sidecar.Complete(&r),
		namespace: namespace,
		policy:    injector.Policy(m.policy),
	}
	in.settings.APIServer = apiServer(&r, m.server)
	if m.policy != "" && !slices.Contains(injector.Policies(), in.policy) {
		r.Refuse("--policy", m.policy, "%s", injector.PolicyAllowed)
	}
	if len(in.files) == 0 {
		r.Required("-f", "")
	}
	return in, errors.Join(r.Faults...)
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

// namespaceOf is the namespace of the command line alone: the kubeconfig is not read.
func namespaceOf(flags *genericclioptions.ConfigFlags) string {
	if flags.Namespace == nil {
		return ""
	}
	return *flags.Namespace
}
