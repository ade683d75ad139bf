package egress

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/gennaker/gennaker"
)

// Rules say which URLs and addresses may be asked. The zero value allows hosts
// with a dot in their name, over http and https, at public addresses.
//
// A pattern is a host name in which * stands for any characters, dots included;
// case does not matter. A denied host is denied even if it is allowed as well.
//
// Source: Spinnaker orca UserConfiguredUrlRestrictions.
type Rules struct {
	// Setting is where these rules stand in the configuration; hints name it.
	Setting string `json:"-"`

	Schemes      []string `json:"allowedSchemes"`  // empty is http and https
	AllowedHosts []string `json:"allowedHosts"`    // patterns; empty is every host
	DeniedHosts  []string `json:"deniedHosts"`     // patterns
	DeniedNets   []string `json:"deniedAddresses"` // addresses and networks, 10.1.0.0/16

	Loopback  bool `json:"allowLoopback"`        // this machine, by any of its addresses; its name localhost
	LinkLocal bool `json:"allowLinkLocal"`       // and the addresses where clouds serve the metadata of a machine
	Private   bool `json:"allowPrivate"`         // 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7
	Verbatim  bool `json:"allowVerbatimAddress"` // an address in place of a host name
	Undotted  bool `json:"allowHostWithoutDot"`
}

// ForExpressions returns the rules for #fromUrl and its like: what a pipeline
// may read while it is evaluated.
//
// Source: Spinnaker orca's defaults of expressions.
func ForExpressions() Rules {
	return Rules{
		Setting:     "expression.urls",
		DeniedHosts: []string{"*.spinnaker", "*.local", "*.localdomain", "*.internal"},
		Private:     true,
	}
}

// ForWebhooks returns the rules for webhooks and artifacts: everything but the
// link-local addresses, where clouds hand out credentials.
func ForWebhooks() Rules {
	return Rules{Setting: "webhook.urls", Loopback: true, Private: true, Verbatim: true, Undotted: true}
}

// metadata has the addresses at which clouds serve the metadata of a machine
// that are not link-local.
var metadata = []string{"fd00:ec2::254", "100.100.100.200", "192.0.0.192"}

// validate returns what is wrong with r itself.
func (r Rules) validate() error {
	for _, p := range slices.Concat(r.AllowedHosts, r.DeniedHosts) {
		if _, err := path.Match(p, ""); err != nil {
			return gennaker.Errorf(gennaker.Invalid, "%q is no pattern of a host", p).WithHint("write it like *.example.com")
		}
	}
	for _, n := range r.DeniedNets {
		if _, err := network(n); err != nil {
			return gennaker.Errorf(gennaker.Invalid, "%q is neither an address nor a network", n).WithHint("write it like 10.1.0.0/16")
		}
	}
	return nil
}

func network(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// Check returns why u may not be asked, as far as that can be told without
// resolving its host; nil if it may. The address is checked when it is dialed.
//
// Errors: *Error of class Forbidden.
func (r Rules) Check(u *url.URL) error {
	schemes := r.Schemes
	if len(schemes) == 0 {
		schemes = []string{"http", "https"}
	}
	if !slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, u.Scheme) }) {
		return forbidden("the scheme of %s is not one of %s", Origin(u), strings.Join(schemes, ", ")).
			withHint("write the whole URL, or add the scheme to %s", r.key("allowedSchemes"))
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "" {
		return forbidden("there is no host in %s", Origin(u)).withHint("write the whole URL")
	}
	if strings.ContainsFunc(host, func(c rune) bool { return c > unicode.MaxASCII }) {
		return forbidden("the host of %s is not in ASCII", Origin(u)).withHint("write it in its xn-- form") // which could be another in the end
	}
	for _, p := range r.DeniedHosts {
		if matches(p, host) {
			return forbidden("the host %s is denied by the pattern %s", host, p).withHint("the pattern is in %s", r.key("deniedHosts"))
		}
	}
	if addr, ok := literal(host); ok || endsInNumber(host) {
		if !r.Verbatim {
			return forbidden("%s is an address in place of a host name", host).withHint("use a name, or set %s", r.key("allowVerbatimAddress"))
		}
		if ok {
			if err := r.address(addr); err != nil {
				return err
			}
		}
	} else if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		if !r.Loopback {
			return forbidden("the host %s is this machine", host).withHint("set %s, if that is meant", r.key("allowLoopback"))
		}
		return nil // that it is allowed goes before the patterns, as in Spinnaker
	} else if !r.Undotted && !strings.Contains(host, ".") {
		return forbidden("the host %s has no dot in its name", host).withHint("use the full name, or set %s", r.key("allowHostWithoutDot"))
	}
	if len(r.AllowedHosts) > 0 && !slices.ContainsFunc(r.AllowedHosts, func(p string) bool { return matches(p, host) }) {
		return forbidden("the host %s is not allowed", host).withHint("add it to %s", r.key("allowedHosts"))
	}
	return nil
}

// address returns why a may not be dialed.
func (r Rules) address(a netip.Addr) error {
	for _, x := range embedded(a) {
		for _, n := range r.DeniedNets {
			if p, err := network(n); err == nil && p.Contains(x) {
				return forbidden("the address %s is denied", a).withHint("%s is in %s", n, r.key("deniedAddresses"))
			}
		}
		switch {
		case x.IsLinkLocalUnicast(), x.IsLinkLocalMulticast(), slices.Contains(metadata, x.String()):
			if !r.LinkLocal {
				return forbidden("the address %s is link-local, or serves the metadata of a machine", a).
					withHint("set %s, if that is meant", r.key("allowLinkLocal"))
			}
		case x.IsLoopback(), x.IsUnspecified(), own(x):
			if !r.Loopback {
				return forbidden("the address %s is this machine", a).withHint("set %s, if that is meant", r.key("allowLoopback"))
			}
		case x.IsPrivate(), within(x, shared):
			if !r.Private {
				return forbidden("the address %s is private", a).withHint("set %s, if that is meant", r.key("allowPrivate"))
			}
		}
	}
	return nil
}

func (r Rules) key(name string) string {
	if r.Setting == "" {
		return name
	}
	return r.Setting + "." + name
}

// matches reports whether host is one that the pattern p means.
func matches(p, host string) bool {
	ok, err := path.Match(strings.ToLower(p), host)
	return ok && err == nil
}

// literal reads an address in place of a host name.
func literal(host string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// endsInNumber reports whether a host is read as an address by some resolvers,
// as 127.1, 0x7f000001 and 2130706433 are.
//
// Source: WHATWG URL standard, "ends in a number".
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// Networks whose addresses have a meaning to the rules.
const (
	shared = "100.64.0.0/10" // of carriers, RFC 6598
	nat64  = "64:ff9b::/96"  // RFC 6052
	sixTo4 = "2002::/16"     // RFC 3056
)

func within(a netip.Addr, prefix string) bool { return netip.MustParsePrefix(prefix).Contains(a) }

// embedded returns a without its zone, and the IPv4 address that a router or the
// kernel makes of it, if any.
func embedded(a netip.Addr) []netip.Addr {
	a = a.Unmap().WithZone("")
	bytes := a.As16()
	switch {
	case within(a, nat64):
		return []netip.Addr{a, netip.AddrFrom4([4]byte(bytes[12:16]))}
	case within(a, sixTo4):
		return []netip.Addr{a, netip.AddrFrom4([4]byte(bytes[2:6]))}
	}
	return []netip.Addr{a}
}

// own reports whether a is an address of this machine.
func own(a netip.Addr) bool {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(list, func(x net.Addr) bool {
		n, ok := x.(*net.IPNet)
		if !ok {
			return false
		}
		b, ok := netip.AddrFromSlice(n.IP)
		return ok && b.Unmap() == a
	})
}

// Origin returns the scheme, host and port of u: what a message may show, since
// user, path and query can hold secrets.
func Origin(u *url.URL) string {
	if u.Host == "" {
		return "the URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
