// Package cluster starts a real Kubernetes cluster on one Linux machine, for
// tests and demonstrations, from nothing but Go modules and a few Debian
// packages: no container registry, no container engine, no virtual machine.
//
// The control plane (etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler) runs on the host. Every node has network, mount, process,
// IPC and host name namespaces of its own with containerd, a kubelet and
// kube-proxy inside, joined to the host by one virtual cable to one bridge. So
// a node dies at once, with everything on it, when one process is killed, and
// is partitioned when its cable is taken down.
//
// What a caller can rely on:
//
//   - Start returns when every node is Ready and takes pods, or returns an
//     error and leaves nothing behind.
//   - Down removes everything a cluster started or created, whatever has become
//     of the program that started it, and nothing else: processes are told
//     apart by their start times, never by names. It may be repeated.
//   - Several clusters, each in a directory of its own, run side by side.
//   - The kernel settings of the host are left alone; the settings a kubelet
//     insists on are shown to it in its own mount namespace.
//   - The host reaches the addresses of pods and of Services directly, so
//     a test needs neither exec nor port forwarding. The API server reaches
//     webhooks by the addresses of their Service's ready endpoints.
//
// What there is not: cluster DNS, a way out to other networks from pods, image
// pulls (images are imported by LoadImage), LoadBalancer Services, IPv6,
// network policies. Root is needed for nodes; ControlPlaneBinaries, which is
// enough for tests of an API server alone, works without.
package cluster
