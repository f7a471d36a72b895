package config

// Paths of the probe server.
const (
	// StartPath passes as soon as the sidecar listens.
	StartPath = "/startz"
	// LivePath passes while the sidecar's process works.
	LivePath = "/livez"
	// ReadyPath passes by the mode of standby.
	ReadyPath = "/readyz"
	// PreStopPath tells the sidecar that the pod's termination has begun.
	PreStopPath = "/prestop"
	// PreStopGrace is the query parameter of PreStopPath with the pod's grace
	// period in whole seconds.
	PreStopGrace = "grace"
)
