package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// hostProgram is a program a node needs from the machine, the Debian package
// that has it, and where it is looked for: iproute2 has another "bridge" than the
// network plugins.
type hostProgram struct {
	name, debian string
	dirs         []string
}

var hostPrograms = []hostProgram{
	{"runc", "runc", hostDirs},
	{"bridge", "containernetworking-plugins", cniDirs},
	{"nft", "nftables", hostDirs},
	{"iptables", "iptables", hostDirs},
	{"conntrack", "conntrack", hostDirs},
	{"unshare", "util-linux", hostDirs},
	{"mount", "mount", hostDirs},
}

// hostPath is where programs of the host are looked for: an unprivileged
// user's PATH often lacks the sbin directories.
const hostPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

var hostDirs = strings.Split(hostPath, ":")

// cniDirs is where distributions put the network plugins, Debian's first.
var cniDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// requirePackages installs the missing packages if the machine is a Debian and
// says what is missing otherwise.
func requirePackages(ctx context.Context, out io.Writer) error {
	absent := missingPackages(exists)
	if len(absent) == 0 {
		return nil
	}
	manual := "apt-get install --no-install-recommends " + strings.Join(absent, " ")
	if !within(hostDirs, "apt-get", exists) || !exists("/etc/debian_version") {
		return fmt.Errorf("find the programs that nodes need: the packages %s are missing "+
			"(by their Debian names; the network plugins are looked for in %s); install them by the machine's own means",
			strings.Join(absent, ", "), strings.Join(cniDirs, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("find the programs that nodes need: run %q as root", manual)
	}
	return step(ctx, out, "install the packages "+strings.Join(absent, ", "), func(ctx context.Context) error {
		install := append([]string{"install", "-y", "--no-install-recommends"}, absent...)
		first := apt(ctx, install...)
		if first == nil {
			return nil
		}
		// A machine that never fetched the lists of packages, or long ago.
		if err := apt(ctx, "update"); err != nil {
			return errors.Join(first, err)
		}
		return apt(ctx, install...)
	})
}

func apt(ctx context.Context, args ...string) error {
	// Another apt-get may be at work: the tests install packages too.
	command := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, args...)...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	// Interrupted, not killed: half-configured packages are a nuisance.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 20 * time.Second
	if report, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("run %q: %w\n%s", command.String(), err, tail(report, 20))
	}
	return nil
}

// missingPackages are those of the programs that are not where they are looked
// for.
func missingPackages(exists func(path string) bool) []string {
	var missing []string
	for _, program := range hostPrograms {
		if !within(program.dirs, program.name, exists) {
			missing = append(missing, program.debian)
		}
	}
	return missing
}

func within(dirs []string, name string, exists func(path string) bool) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return exists(dir + "/" + name) })
}
