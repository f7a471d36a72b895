// Package api is what a pod sees of its candidate: the local API for the
// application, on loopback alone, and the probes and metrics for the kubelet
// and Prometheus.
//
// It promises that every answer is judged when it is given: isLeader is true
// only while the candidate's validity has not run out, whatever was said or
// happened before. GET / answers what the leader-elector sidecar of 2016 and
// its descendants answer, so that their clients work unchanged.
package api
