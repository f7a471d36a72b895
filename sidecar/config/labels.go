package config

// Labels of a Lease that Leaseholder made. One without them is somebody else's,
// and no pod is given rights to it.
const (
	// LabelManagedBy is Kubernetes' label for the tool that manages an object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is its value on everything that Leaseholder made.
	ManagedBy = "leaseholder"
	// LabelElection is the election's name.
	LabelElection = "leaseholder.dev/election"
)
