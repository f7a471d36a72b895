package injector

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// readers read the annotations into a candidate, each its own, in any order.
// What a reader finds wrong it leaves at its zero value.
var readers = []func(*candidate) []Fault{
	readInject,
	readUnknown,
	readPorts,
	readPriority,
	readSettings,
	readLock,
	readTiming,
	readResources,
}

// placeholder stands in for a setting that is judged elsewhere, or known to the
// kubelet alone.
const placeholder = "x"

// readSettings reads what the sidecar is told, by the sidecar's own rules.
func readSettings(c *candidate) []Fault {
	given := map[config.Setting]string{
		config.Namespace:   c.namespace.Name,
		config.PodName:     placeholder,
		config.PodUID:      placeholder,
		config.StandbyMode: c.setting(config.StandbyMode),
		config.LogLevel:    c.setting(config.LogLevel),
		config.Election:    c.setting(config.Election),
		config.Lock:        c.setting(config.Lock),
	}
	if given[config.LogLevel] == "" {
		given[config.LogLevel] = strings.ToLower(c.admin.LogLevel.String())
	}
	var faults []Fault
	if given[config.Election] == "" {
		if c.workload.kind == "" {
			given[config.Election] = placeholder
			faults = append(faults, c.annotations.fault(NoElection, AnnotationElection, "",
				config.ElectionAllowed+", and must be set, for this pod has no controller to name its election after"))
		} else {
			given[config.Election] = c.workload.election()
		}
	}
	settings, err := config.Read(func(s config.Setting) string { return given[s] })
	c.settings = settings
	for _, f := range faultsOf(err) {
		faults = append(faults, c.fault(InvalidValue, f))
	}
	return faults
}

// readTiming reads the durations by themselves: the sidecar judges how they fit
// together only when nothing else is wrong, and a refusal is to name everything.
func readTiming(c *candidate) []Fault {
	timing, err := config.ReadTiming(c.setting)
	c.timing = timing
	var faults []Fault
	unreadable := map[config.Setting]bool{}
	for _, f := range faultsOf(err) {
		if _, err := time.ParseDuration(f.Value); err == nil {
			faults = append(faults, c.fault(TimingConflict, f))
			continue
		}
		faults = append(faults, c.fault(InvalidValue, f))
		unreadable[f.Setting] = true
	}
	if len(unreadable) == 0 {
		return faults
	}
	// With a default in place of what can't be read, the others can be judged, but
	// for the renew deadline: its bounds are made of the other two.
	_, err = config.ReadTiming(func(s config.Setting) string {
		if unreadable[s] {
			return ""
		}
		return c.setting(s)
	})
	for _, f := range faultsOf(err) {
		if f.Setting != config.RenewDeadline {
			faults = append(faults, c.fault(TimingConflict, f))
		}
	}
	return faults
}

// readPorts reads the two ports.
func readPorts(c *candidate) []Fault {
	var faults []Fault
	read := func(key string, def int32) int32 {
		value, ok := c.annotations[key]
		if !ok {
			return def
		}
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil || port == 0 {
			faults = append(faults, c.annotations.fault(InvalidValue, key, "", "a TCP port from 1 to 65535"))
			return 0
		}
		return int32(port)
	}
	c.apiPort = read(AnnotationPort, config.DefaultAPIPort)
	c.probePort = read(AnnotationProbePort, config.DefaultProbePort)
	return faults
}

// readPriority only judges: what is done with priorities is the webhook's.
func readPriority(c *candidate) []Fault {
	if _, ok := Priority(c.pod); ok {
		return nil
	}
	return []Fault{c.annotations.fault(InvalidValue, AnnotationPriority, "",
		fmt.Sprintf("a whole number from %d to %d", math.MinInt32, math.MaxInt32))}
}

// Priority is a pod's priority in its election: 0 when it has no annotation, and
// 0 and false when that can't be read.
func Priority(pod *corev1.Pod) (priority int32, ok bool) {
	value, given := pod.Annotations[AnnotationPriority]
	if !given {
		return 0, true
	}
	parsed, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, false
	}
	return int32(parsed), true
}

// faultsOf are the faults that the sidecar's own parser found.
func faultsOf(err error) config.Faults {
	if err == nil {
		return nil
	}
	var faults config.Faults
	if !errors.As(err, &faults) {
		// The parser documents that its errors are of this type.
		panic(fmt.Sprintf("read settings: %v", err))
	}
	return faults
}

// setting is the value of a setting's annotation, empty when it is not set. An
// annotation that is set to nothing gives a space: to the sidecar an empty
// variable is an unset one, but an empty annotation is a mistake.
func (c *candidate) setting(s config.Setting) string {
	value, ok := c.annotations[Prefix+string(s)]
	if ok && value == "" {
		return " "
	}
	return value
}

// fault tells a fault of the sidecar's settings in terms of the pod.
func (c *candidate) fault(reason Reason, f config.Fault) Fault {
	key := Prefix + string(f.Setting)
	if !slices.Contains(Annotations(), key) {
		return Fault{Reason: reason, Key: "metadata." + string(f.Setting), Value: f.Value, Allowed: f.Allowed}
	}
	if f.Setting == config.Election && strings.Contains(f.Value, ",") {
		f.Allowed += "; a pod stands in one election alone"
	}
	return c.annotations.fault(reason, key, f.Value, f.Allowed)
}
