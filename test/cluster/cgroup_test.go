package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseCgroups(t *testing.T) {
	for name, test := range map[string]struct {
		mounts  []string
		want    cgroups
		invalid bool
	}{
		"v2 alone": {
			mounts: []string{"25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw"},
			want:   cgroups{unified: true, mounts: []string{"/sys/fs/cgroup"}},
		},
		"v1 alone": {
			mounts: []string{
				"25 20 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
				"27 25 0:24 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
				"26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
			},
			want: cgroups{mounts: []string{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory"}},
		},
		"a v2 tree without controllers beside v1": {
			mounts: []string{
				"26 25 0:23 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
				"27 25 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
			},
			want: cgroups{mounts: []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"}},
		},
		"the same tree mounted elsewhere is left out": {
			mounts: []string{
				"25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
				"30 20 0:22 / /sys/fs/cgroups rw - cgroup2 cgroup2 rw",
			},
			want: cgroups{unified: true, mounts: []string{"/sys/fs/cgroup"}},
		},
		"none": {mounts: []string{"25 20 0:22 / / rw - ext4 /dev/vda rw"}, invalid: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseCgroups(strings.NewReader(strings.Join(test.mounts, "\n")))
			if (err != nil) != test.invalid {
				t.Fatalf("got the error %v", err)
			}
			if got.unified != test.want.unified || !slices.Equal(got.mounts, test.want.mounts) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRemoveCgroupRemovesTheWholeTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "group")
	if err := os.MkdirAll(filepath.Join(dir, "node-0", "kubepods", "pod"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := removeTree(dir); err != nil {
			t.Fatal(err)
		}
		if exists(dir) {
			t.Fatal("it is still there")
		}
	}
}
