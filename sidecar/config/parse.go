package config

import (
	"fmt"
	"log/slog"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// label is a DNS-1123 label (RFC 1123), of at most 63 characters.
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// name is a pod's: a DNS-1123 subdomain (RFC 1123), of at most 253 characters.
var name = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// uid is what a holder's identity can carry.
var uid = regexp.MustCompile(`^[-A-Za-z0-9.]{1,128}$`)

// ValidElection says whether name can be an election's name.
func ValidElection(name string) bool { return label.MatchString(name) }

// ElectionAllowed describes what ValidElection accepts.
const ElectionAllowed = "a DNS-1123 label: at most 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"

// Parse reads the settings from an environment, given as a function like
// os.Getenv. Unset optional settings take their defaults. The error is of type
// Faults and names every fault, not just the first.
func Parse(getenv func(string) string) (Settings, error) {
	return Read(func(s Setting) string { return getenv(s.Variable()) })
}

// Read is Parse of settings that are asked for by their own names.
func Read(get func(Setting) string) (Settings, error) {
	p := parser{get: get}
	d := Default()
	s := Settings{
		Election:     p.required(Election, ElectionAllowed, ValidElection),
		Namespace:    p.required(Namespace, "a namespace's name", ValidElection),
		PodName:      p.required(PodName, "the pod's name, a DNS-1123 subdomain", name.MatchString),
		PodUID:       p.required(PodUID, "the pod's UID: letters, digits, '-' and '.'", uid.MatchString),
		Lock:         p.lock(),
		Standby:      Standby(p.oneOf(StandbyMode, names(Standbys()), string(d.Standby))),
		APIAddress:   p.address(APIAddress, d.APIAddress, "a loopback IP address and a port", loopback),
		ProbeAddress: p.address(ProbeAddress, d.ProbeAddress, "an address to listen on and a port", anyHost),
		LogLevel:     p.level(LogLevel),
		StepDown:     p.oneOf(StepDown, []string{on, off}, on) == on,
		Timing:       p.timing(),
	}
	s.LockCredentials = p.credentials(s.Lock)
	if len(p.faults) == 0 {
		p.faults = append(s.Timing.Faults(), s.Timing.lockFaults(s.Lock.Scheme)...)
		p.distinct(s)
	}
	if len(p.faults) > 0 {
		return Settings{}, p.faults
	}
	return s, nil
}

// ReadTiming reads the three durations alone, as Read does with all. A lock that is
// not allowed counts as none.
func ReadTiming(get func(Setting) string) (Timing, error) {
	p := parser{get: get}
	t := p.timing()
	if len(p.faults) == 0 {
		p.faults = append(t.Faults(), t.lockFaults(p.scheme())...)
	}
	if len(p.faults) > 0 {
		return Timing{}, p.faults
	}
	return t, nil
}

// parser collects the faults of settings while they are read.
type parser struct {
	get    func(Setting) string
	faults Faults
}

func (p *parser) refuse(s Setting, value, allowed string) {
	p.faults = append(p.faults, Fault{Setting: s, Value: value, Allowed: allowed})
}

func (p *parser) required(s Setting, allowed string, ok func(string) bool) string {
	v := p.get(s)
	if !ok(v) {
		p.refuse(s, v, allowed)
	}
	return v
}

func (p *parser) oneOf(s Setting, allowed []string, def string) string {
	v := p.get(s)
	if v == "" {
		return def
	}
	if !slices.Contains(allowed, v) {
		p.refuse(s, v, strings.Join(allowed, ", "))
	}
	return v
}

func (p *parser) lock() LockAddress {
	v := p.get(Lock)
	if v == "" {
		return Default().Lock
	}
	a, ok := ParseLock(v)
	if !ok {
		p.refuse(Lock, v, LockAllowed)
	}
	return a
}

// scheme is that of the lock, also of one that is refused.
func (p *parser) scheme() LockScheme {
	a, _ := ParseLock(p.get(Lock))
	return a.Scheme
}

func (p *parser) credentials(a LockAddress) string {
	v := p.get(LockCredentials)
	if v != "" && (a.InCluster() || !path.IsAbs(v)) {
		p.refuse(LockCredentials, v, "the absolute path of a folder, and none for a lock in the cluster")
	}
	return v
}

func (p *parser) level(s Setting) slog.Level {
	var l slog.Level
	// The four names are all that UnmarshalText is given, so it can't fail.
	_ = l.UnmarshalText([]byte(p.oneOf(s, LogLevels(), "info")))
	return l
}

func (p *parser) timing() Timing {
	d := DefaultTimingOf(p.scheme())
	return Timing{
		LeaseDuration: p.duration(LeaseDuration, d.LeaseDuration),
		RenewDeadline: p.duration(RenewDeadline, d.RenewDeadline),
		RetryPeriod:   p.duration(RetryPeriod, d.RetryPeriod),
	}
}

func (p *parser) duration(s Setting, def time.Duration) time.Duration {
	v := p.get(s)
	if v == "" {
		return def
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		p.refuse(s, v, fmt.Sprintf("a Go duration such as %s", def))
	}
	return d
}

func (p *parser) address(s Setting, def, allowed string, okHost func(string) bool) string {
	v := p.get(s)
	if v == "" {
		return def
	}
	host, port, err := net.SplitHostPort(v)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n == 0 || !okHost(host) {
		p.refuse(s, v, allowed+" from 1 to 65535, such as "+def)
	}
	return v
}

// distinct refuses two servers on one port.
func (p *parser) distinct(s Settings) {
	// Both were split before.
	_, api, _ := net.SplitHostPort(s.APIAddress)
	_, probe, _ := net.SplitHostPort(s.ProbeAddress)
	if api == probe {
		p.refuse(ProbeAddress, s.ProbeAddress, "another port than that of "+APIAddress.Variable())
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func anyHost(host string) bool { return host == "" || net.ParseIP(host) != nil }

func names[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
