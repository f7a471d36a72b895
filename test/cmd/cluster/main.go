// Command cluster starts and removes a real Kubernetes cluster on this machine,
// for demonstrations and for tests that are to share one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/leaseholder-dev/leaseholder/test/cluster"
)

const usage = `Usage: cluster COMMAND [flags]

  binaries  leave kube-apiserver, etcd and kubectl in a directory, for tests
            of an API server alone (KUBEBUILDER_ASSETS); needs no root
  up        start a cluster that runs until down; needs root
  load      import images on every node of a running cluster
  down      remove a cluster, whole or half started

"cluster COMMAND --help" lists the flags of a command.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return usageError{errors.New("no command is given")}
	}
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"binaries": binaries, "up": up, "load": load, "down": down,
	}
	switch name := args[0]; name {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	default:
		command, found := commands[name]
		if !found {
			fmt.Fprint(stderr, usage)
			return usageError{fmt.Errorf("there is no command %q", name)}
		}
		return command(ctx, args[1:], stdout, stderr)
	}
}

// parse reads a command's flags and says what the words after them are called;
// none are allowed if that is empty.
func parse(flags *flag.FlagSet, args []string, words string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: cluster %s [flags] %s\n", flags.Name(), words)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if words == "" && flags.NArg() > 0 {
		return usageError{fmt.Errorf("the word %q is one too many", flags.Arg(0))}
	}
	return nil
}

// dirFlag is where a cluster is kept unless told otherwise.
func dirFlag(flags *flag.FlagSet) *string {
	return flags.String("dir", filepath.Join("bin", "cluster"), "the cluster's `directory`")
}

func binaries(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("binaries", flag.ContinueOnError)
	dir := flags.String("dir", filepath.Join("bin", "k8s"), "the `directory` for the programs")
	if err := parse(flags, args, "", stderr); err != nil {
		return err
	}
	return cluster.ControlPlaneBinaries(ctx, *dir, stdout)
}

func up(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	dir := dirFlag(flags)
	nodes := flags.Int("nodes", 1, "the `number` of nodes")
	if err := parse(flags, args, "", stderr); err != nil {
		return err
	}
	running, err := cluster.Start(ctx, cluster.Options{Nodes: *nodes, Dir: *dir, Out: stdout})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, `
The cluster runs on when this command has ended. To use it:

  export KUBECONFIG=%s
  alias kubectl=%s
  kubectl get nodes

Its logs are in %s. To remove it:

  cluster down --dir %s
`, running.Kubeconfig(), running.Kubectl(), filepath.Join(running.Dir(), "logs"), running.Dir())
	return nil
}

func load(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	dir := dirFlag(flags)
	user := flags.String("user", "65532:65532", "the numeric `user` that images of one program run as")
	if err := parse(flags, args, "ARCHIVE or NAME:TAG=PROGRAM ...", stderr); err != nil {
		return err
	}
	running, err := cluster.Open(*dir)
	if err != nil {
		return err
	}
	for _, word := range flags.Args() {
		name, path, isProgram := strings.Cut(word, "=")
		if !isProgram {
			err = running.LoadArchive(ctx, word)
		} else {
			inside := "/" + filepath.Base(path)
			err = running.LoadImage(ctx, cluster.Image{
				Name:       name,
				Files:      []cluster.File{{Path: inside, Source: path, Mode: 0o755}},
				Entrypoint: []string{inside},
				User:       *user,
			})
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "loaded %s\n", name)
	}
	return nil
}

func down(ctx context.Context, args []string, _, stderr io.Writer) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	dir := dirFlag(flags)
	if err := parse(flags, args, "", stderr); err != nil {
		return err
	}
	return cluster.Down(ctx, *dir)
}
