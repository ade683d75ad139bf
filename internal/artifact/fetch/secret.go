package fetch

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/gennaker/gennaker"
)

// maxSecret bounds a secret in bytes: a service account key has about 2.5 KiB.
const maxSecret = 64 << 10

// masked is shown in place of a secret.
const masked = "********"

// Secret says where a secret is: "env:NAME", "file:/path", or, which is warned
// of, the secret itself. However it is printed, it is masked.
type Secret string

// Resolve returns the secret, without the line break at the end of a file.
//
// Errors: Invalid if there is no such variable or file, or it is empty. The
// message names the variable or file and never the secret.
func (s Secret) Resolve() (string, error) {
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return "", gennaker.Errorf(gennaker.Invalid, "the environment variable %s of a secret is not set", name).
				WithHint("set it where the server is started")
		}
		return value, nil
	}
	if path, ok := strings.CutPrefix(string(s), "file:"); ok {
		return secretFile(strings.TrimPrefix(path, "//"))
	}
	if strings.HasPrefix(string(s), "encrypted") && strings.Contains(string(s), ":") {
		return "", gennaker.Errorf(gennaker.Invalid, "secrets of Spinnaker's secret engines are not read here").
			WithHint("put the secret into a file or an environment variable, and write file:/path or env:NAME")
	}
	return string(s), nil
}

// literal reports whether the secret itself stands in the configuration.
func (s Secret) literal() bool {
	return s != "" && !strings.HasPrefix(string(s), "env:") && !strings.HasPrefix(string(s), "file:") && !strings.HasPrefix(string(s), "encrypted")
}

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks the secret for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secretFile reads a secret from a file.
func secretFile(path string) (string, error) {
	refused := func(why string) (string, error) {
		return "", gennaker.Errorf(gennaker.Invalid, "the file of a secret, %s, %s", path, why).
			WithHint("check the path in the configuration, and that the server may read it")
	}
	f, err := os.Open(path)
	if err != nil {
		return refused("cannot be opened")
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch text := strings.TrimRight(string(content), "\r\n"); {
	case err != nil:
		return refused("cannot be read")
	case len(content) > maxSecret:
		return refused("is too large")
	case text == "":
		return refused("is empty")
	default:
		return text, nil
	}
}

// Login is how an account proves who it is: a token, or user and password. All
// empty is nobody in particular.
type Login struct {
	Username             string   `json:"username,omitzero"`
	Password             Secret   `json:"password,omitzero"`
	UsernamePasswordFile string   `json:"usernamePasswordFile,omitzero"` // holds user:password
	Token                Secret   `json:"token,omitzero"`                // goes before a password
	TokenFile            string   `json:"tokenFile,omitzero"`            // goes before Token
	Hosts                []string `json:"hosts,omitzero"`                // where the credentials may be sent; host or host:port
}

// secrets returns what may stand literally in the configuration.
func (l Login) secrets() []Secret { return []Secret{l.Password, l.Token} }

// anonymous reports whether there is nothing to send.
func (l Login) anonymous() bool {
	return l.Username == "" && l.Password == "" && l.UsernamePasswordFile == "" && l.Token == "" && l.TokenFile == ""
}

// identity is a resolved login.
type identity struct {
	user, password, token string
}

func (l Login) resolve() (identity, error) {
	var id identity
	var err error
	switch {
	case l.TokenFile != "":
		id.token, err = secretFile(l.TokenFile)
	case l.Token != "":
		id.token, err = l.Token.Resolve()
	case l.UsernamePasswordFile != "":
		var both string
		if both, err = secretFile(l.UsernamePasswordFile); err == nil {
			var ok bool
			if id.user, id.password, ok = strings.Cut(both, ":"); !ok {
				err = gennaker.Errorf(gennaker.Invalid, "the file %s does not hold user:password", l.UsernamePasswordFile)
			}
		}
	case l.Username != "" || l.Password != "":
		id.user = l.Username
		id.password, err = l.Password.Resolve()
	}
	return id, err
}
