// Package seal makes text of what must not be read where it is stored, such as
// manifests that hold Secrets: only who has the key of the installation can open
// it.
//
//	key, err := seal.Open(filepath.Join(data, "seal.key"))
//	reference := key.Seal(manifests)
//	manifests, err = key.Open(reference)
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

// prefix of sealed text; the number is that of the way it is sealed.
const prefix = "sealed:1:"

// keyBytes is the length of a key: that of AES-256.
const keyBytes = 32

// Key seals and opens. It is safe for concurrent use.
type Key struct{ aead cipher.AEAD }

// Open reads the key in a file that only this user can read, and makes it at the
// first time. Only one process may do so at a time.
//
// Errors: Internal if the file is no key.
func Open(path string) (*Key, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw = make([]byte, keyBytes)
		_, _ = rand.Read(raw)              // never fails
		err = durable.WriteFile(path, raw) // before anything is sealed with it
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of what is sealed: %w", err)
	}
	if len(raw) != keyBytes {
		return nil, gennaker.Errorf(gennaker.Internal, "%s has %d bytes and is no key", path, len(raw)).
			WithHint("restore it from a backup of the data directory, or move it away: what was sealed with it is lost then")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("use the key of what is sealed: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use the key of what is sealed: %w", err)
	}
	return &Key{aead}, nil
}

// Seal returns a text that only this key opens.
func (k *Key) Seal(content []byte) string {
	return prefix + base64.StdEncoding.EncodeToString(k.aead.Seal(nil, nil, content, nil))
}

// Is reports whether a text is sealed.
func Is(text string) bool { return strings.HasPrefix(text, prefix) }

// Open returns what was sealed. Errors: Invalid if it was changed, or sealed by
// another key.
func (k *Key) Open(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, prefix))
	if err == nil {
		raw, err = k.aead.Open(nil, nil, raw, nil)
	}
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "what is sealed cannot be opened: another installation sealed it, or it was changed").
			WithHint("run the stage that made it again")
	}
	return raw, nil
}
