package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// TestARealCluster starts one, breaks it in the ways the package offers, and
// looks at what is left of it.
func TestARealCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a cluster, which takes long")
	}
	if os.Geteuid() != 0 {
		t.Skip("it starts a cluster, which takes root")
	}
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "cluster")
	c, err := Start(ctx, Options{Nodes: 2, Dir: dir, Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}

	program := filepath.Join(c.read().Binaries.Pause, "pause")
	err = c.LoadImage(ctx, Image{
		Name:       "example:1",
		Files:      []File{{Path: "/program", Source: program}},
		Entrypoint: []string{"/program"},
		User:       "65532:65532",
	})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "example"},
		Spec: corev1.PodSpec{
			NodeName:                     c.Node(0).Name(),
			AutomountServiceAccountToken: new(bool),
			Containers:                   []corev1.Container{{Name: "example", Image: "example:1"}},
		},
	}
	if _, err := client.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	restarted := func(c *Cluster, atLeast int32) {
		t.Helper()
		eventually(t, c, func(ctx context.Context) error {
			got, err := client.CoreV1().Pods(metav1.NamespaceDefault).Get(ctx, "example", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, status := range got.Status.ContainerStatuses {
				if status.RestartCount >= atLeast && status.State.Running != nil {
					return nil
				}
			}
			return errors.New("the container does not run")
		})
	}
	restarted(c, 0)

	if err := c.KillContainer(ctx, metav1.NamespaceDefault, "example", "example", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	restarted(c, 1)

	again, err := Start(ctx, Options{Dir: dir})
	if !errors.Is(err, ErrRunning) {
		t.Fatalf("starting another cluster in its directory gives %v, %v", again, err)
	}

	if err := c.KillAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}

	// As another program would.
	opened, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	node := opened.Node(0)
	if err := node.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := node.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := node.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if node.Running() {
		t.Error("a killed node runs")
	}
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	restarted(opened, 2)

	left := opened.read()
	for range 2 {
		if err := Down(ctx, dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, p := range left.Processes {
		if p.alive() {
			t.Errorf("%q is left", name)
		}
	}
	for _, path := range append(left.Cgroups, dir) {
		if exists(path) {
			t.Errorf("%q is left", path)
		}
	}
	if _, err := netlink.LinkByName((plan{index: left.Network}).bridge()); err == nil {
		t.Error("the bridge is left")
	}
}

func eventually(t *testing.T, c *Cluster, check func(context.Context) error) {
	t.Helper()
	const patience = 3 * time.Minute // nothing is judged by how long it takes
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.waitFor(ctx, check); err != nil {
		t.Fatal(err)
	}
}
