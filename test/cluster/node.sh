#!/bin/sh
# The first process of a node. It waits for its network, arranges what the
# node's programs see of the file system, and keeps them running. All it mounts
# is in the node's own mount namespace and goes with it.
set -eu
read -r _ <&3 || exit 1
exec 3<&-

# The host's /run, /var/lib and /var/log are hidden by the node's own. The new
# /run is put together aside, since the node's disk may be in the old one.
mount -t tmpfs node "$NODE_DISK/run"
mkdir "$NODE_DISK/run/node" "$NODE_DISK/run/logs" "$NODE_DISK/run/kubernetes" "$NODE_DISK/run/containerd-bin" \
	"$NODE_DISK/run/sysctl"
mount --bind "$NODE_DISK" "$NODE_DISK/run/node"
mount --bind "$NODE_LOGS" "$NODE_DISK/run/logs"
mount --bind "$NODE_KUBERNETES" "$NODE_DISK/run/kubernetes"
mount --bind "$NODE_CONTAINERD" "$NODE_DISK/run/containerd-bin"
mount --no-mtab --move "$NODE_DISK/run" /run
cd /run
mount -t tmpfs node /var/lib
mkdir /var/lib/kubelet /var/lib/cni
mount --bind /run/node/kubelet /var/lib/kubelet
mount --bind /run/node/cni /var/lib/cni
mount --bind /run/node/log /var/log
PATH=/run/kubernetes:/run/containerd-bin:$PATH
echo "$NODE_NAME" >/proc/sys/kernel/hostname

# These belong to the network namespace.
echo 1 >/proc/sys/net/ipv4/ip_forward
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
fi

# These belong to the whole machine, and the kubelet would set them. It is shown
# the values it wants instead.
show() {
	name=$(echo "$1" | tr / .)
	echo "$2" >"/run/sysctl/$name"
	mount --bind "/run/sysctl/$name" "/proc/sys/$1"
}
show vm/overcommit_memory 1
show vm/panic_on_oom 0
show kernel/panic 10
show kernel/panic_on_oops 1
show kernel/keys/root_maxkeys 1000000
show kernel/keys/root_maxbytes 25000000

# keep runs a program with its log, again whenever it ends.
keep() {
	while :; do
		"$@" || true
		sleep 1
	done >>"/run/logs/$NODE_NAME-$1.log" 2>&1 &
}
keep containerd --config /run/node/containerd.toml
until ctr version >/dev/null 2>&1; do sleep 0.05; done
if ! ctr --namespace k8s.io images list --quiet | grep -qxF "$NODE_PAUSE_IMAGE"; then
	ctr --namespace k8s.io images import /run/node/pause.tar
fi
keep kubelet --config=/run/node/kubelet.json --kubeconfig=/run/node/kubelet.kubeconfig \
	--hostname-override="$NODE_NAME" --node-ip="$NODE_ADDRESS" "$@"
# Its extra arguments are words without spaces.
# shellcheck disable=SC2086
keep kube-proxy --config=/run/node/kube-proxy.json --hostname-override="$NODE_NAME" $NODE_PROXY_ARGS

# Orphans of the node's programs become children of this process; waiting also
# reaps them.
while :; do wait || true; sleep 1; done
