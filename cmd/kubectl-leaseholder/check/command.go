// Package check is "kubectl leaseholder check": whether the installation in a
// cluster is healthy, or, with -f, whether manifests are right.
//
// It promises that everything is read with the user's own rights, and that what may
// not be read is said to be unknown and hides nothing else; that what is wrong comes
// with what to do next; and that nothing in the cluster is changed: the pod that it
// tries is a dry run. What is said of an installation is a pure function of one
// snapshot of objects, which are not read at the same instant.
package check

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/settings"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/connect"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/inject"
)

// The flags that say what is checked.
const (
	flagFiles  = "filename"
	flagSystem = "system-namespace"
)

// Command is the subcommand. Its connection flags are flags'.
func Command(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	manifests := inject.New(genericiooptions.IOStreams{In: streams.In, ErrOut: streams.Out})
	var (
		system string
		strict bool
		// ofFiles are the flags that say how files are read and judged.
		ofFiles = pflag.NewFlagSet("", pflag.ContinueOnError)
	)
	c := &cobra.Command{
		Use:   "check [-f FILE]",
		Short: "Say whether the installation is healthy, or whether manifests are right",
		Long: `Say whether the installation is healthy, or with -f whether manifests are right.

Without -f, one line a check says how the cluster's Leaseholder is: ok, warning, failed
or unknown, and what to do next. Everything is read with your own rights, and what you
may not read is unknown. Nothing is changed: whether pods get their sidecar is tried by
a dry run, in the namespace of --namespace.

With -f, no cluster is asked. Every object is judged as the webhook judges its pods, in
the words that are said when it is applied. The flags are those of "inject".

Exit codes:
  0  nothing is wrong; there can be warnings, and what is unknown
  1  the command line is wrong, the cluster did not answer, or a file could not be read
  2  a check failed, or an object would be refused; with --strict, also when there is a
     warning, or something is unknown`,
		Example: `  kubectl leaseholder check
  kubectl leaseholder check --strict -n shop
  kubectl leaseholder check -R -f manifests/
  kustomize build overlays/shop | kubectl leaseholder check -n shop -f -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files := cmd.Flags().Changed(flagFiles)
			if err := withoutEffect(cmd.Flags(), ofFiles, files); err != nil {
				return err
			}
			if files {
				return checkManifests(manifests, flags, strict)
			}
			client, namespace, err := connect.Connect(flags)
			if err != nil {
				return err
			}
			s, err := take(cmd.Context(), client, system, namespace)
			if err != nil {
				return err
			}
			results := judge(s, time.Now())
			if _, err := fmt.Fprint(streams.Out, tell(results)); err != nil {
				return fmt.Errorf("write what was found: %w", err)
			}
			return verdict(results, strict)
		},
	}
	manifests.Register(c)
	set := c.Flags()
	set.VisitAll(ofFiles.AddFlag)
	set.StringVar(&system, flagSystem, "", "namespace that Leaseholder is installed in; found by its labels when empty")
	set.BoolVar(&strict, "strict", false, "end with exit code 2 also when there is a warning, or something is unknown")
	set.Lookup(flagFiles).Usage = "file, folder, or - for standard input; can be given several times; without it, the installation is checked"
	return c
}

// withoutEffect refuses flags that would be of no use: those about files without any, or
// with files, those about the installation.
func withoutEffect(set, ofFiles *pflag.FlagSet, files bool) error {
	var r settings.Reader
	set.Visit(func(f *pflag.Flag) {
		switch about := ofFiles.Lookup(f.Name) != nil; {
		case about && !files:
			r.Refuse("--"+f.Name, f.Value.String(), "with -f, which names what it is about")
		case f.Name == flagSystem && files:
			r.Refuse("--"+f.Name, f.Value.String(), "without -f, with which no cluster is asked")
		}
	})
	return errors.Join(r.Faults...)
}

// checkManifests judges files.
func checkManifests(manifests *inject.Manifests, flags *genericclioptions.ConfigFlags, strict bool) error {
	namespace := ""
	if flags.Namespace != nil {
		namespace = *flags.Namespace
	}
	if err := manifests.Complete(namespace); err != nil {
		return err
	}
	warnings, err := manifests.Check()
	if err != nil {
		return err
	}
	if strict && warnings > 0 {
		return exit.With(exit.Wrong, fmt.Errorf("there are %d warnings", warnings))
	}
	return nil
}

// verdict is the error of what must not pass.
func verdict(results []result, strict bool) error {
	counts := count(results)
	switch {
	case counts[failed] > 0:
		return exit.With(exit.Wrong, fmt.Errorf("%d of %d checks failed", counts[failed], len(results)))
	case strict && counts[ok] < len(results):
		return exit.With(exit.Wrong, errors.New("not everything is ok"))
	}
	return nil
}
