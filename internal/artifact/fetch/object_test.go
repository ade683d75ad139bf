package fetch_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
)

// serveS3 is a server that speaks S3, with objects, and checks signatures if
// keys are given.
func serveS3(t testing.TB, objects map[string]string, options ...gofakes3.Option) *recorder {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "shop-charts"); err != nil {
		t.Fatal(err)
	}
	for key, content := range objects {
		if _, err := backend.PutObject(t.Context(), "shop-charts", key, map[string]string{}, bytes.NewReader([]byte(content)), int64(len(content))); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, gofakes3.New(backend, options...).Server().ServeHTTP)
}

func TestS3(t *testing.T) {
	keys := []string{"deploy/app.yml", "with space/ü+&=?#;,:@!$'()*%41", "a//b"}
	objects := map[string]string{}
	for _, key := range keys {
		objects[key] = "content of " + key
	}
	server := serveS3(t, objects, gofakes3.WithV4Auth(map[string]string{"AKID": "s3cret"}))
	account := fetch.S3Account{Name: "a", APIEndpoint: server.URL, APIRegion: "eu-central-1", AWSAccessKeyID: "AKID", AWSSecretAccessKey: fetch.Secret("file:" + file(t, "s3cret\n"))}
	a := accounts(t, fetch.Config{S3: one(account)})
	for _, key := range keys {
		for range 2 {
			if got := get(t, a, gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/" + key}); got != objects[key] {
				t.Errorf("%s is %q", key, got)
			}
		}
	}
	refuses(t, a, gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/none"}, gennaker.NotFound, "none")
	refuses(t, a, gennaker.Artifact{Type: "s3/object", Reference: "s3://no-such-bucket/none"}, gennaker.NotFound, "no-such-bucket")
	for ref, says := range map[string]string{"https://x/y": "s3://BUCKET/KEY", "s3://shop-charts": "no object", "s3://a/b": "bucket", "s3://shop-charts/../x": "relative", "": "s3://BUCKET/KEY"} {
		refuses(t, a, gennaker.Artifact{Type: "s3/object", Reference: ref}, gennaker.Invalid, says)
	}
	account.AWSSecretAccessKey = "hunter2"
	refuses(t, accounts(t, fetch.Config{S3: one(account)}), gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/a//b"}, gennaker.Denied, "account a")
	// Keys of the environment are taken if the account has none.
	account.AWSAccessKeyID, account.AWSSecretAccessKey = "", ""
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	if got := get(t, accounts(t, fetch.Config{S3: one(account)}), gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/a//b"}); got != objects["a//b"] {
		t.Errorf("got %q", got)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	refuses(t, accounts(t, fetch.Config{S3: one(account)}), gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/a//b"}, gennaker.Denied, "account a")
}

func TestS3WithoutKeys(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	server := serveS3(t, map[string]string{"public": "for all"})
	a := accounts(t, fetch.Config{S3: one(fetch.S3Account{Name: "a", APIEndpoint: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)})})
	if got := get(t, a, gennaker.Artifact{Type: "s3/object", Reference: "s3://shop-charts/public"}); got != "for all" {
		t.Errorf("got %q", got)
	}
}

// serveGCS is the part of the JSON API that is used, and of the token endpoint;
// it takes what is signed with the key.
func serveGCS(t testing.TB, key *rsa.PublicKey) *recorder {
	t.Helper()
	var server *recorder
	server = serve(t, func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/token":
			if err := assertion(req, key, server.URL+"/token"); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			say(w, `{"access_token":"tok","expires_in":3600,"token_type":"Bearer"}`)
		case key != nil && req.Header.Get("Authorization") != "Bearer tok":
			http.Error(w, "no", http.StatusUnauthorized)
		case req.URL.EscapedPath() != "/storage/v1/b/shop/o/deploy%2Fapp%20%231.yml" || req.URL.Query().Get("alt") != "media":
			http.NotFound(w, req)
		default:
			say(w, "generation "+req.URL.Query().Get("generation"))
		}
	})
	return server
}

// assertion checks a JSON web token as RFC 7523 has it.
func assertion(req *http.Request, key *rsa.PublicKey, audience string) error {
	if req.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return fmt.Errorf("grant type %q", req.FormValue("grant_type"))
	}
	parts := strings.Split(req.FormValue("assertion"), ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	if claims.Iss != "reader@shop.example.com" || claims.Aud != audience || claims.Exp-claims.Iat != 3600 || !strings.HasSuffix(claims.Scope, "/devstorage.read_only") {
		return fmt.Errorf("claims %+v", claims)
	}
	return nil
}

func TestGCS(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	server := serveGCS(t, &private.PublicKey)
	key := map[string]string{
		"type": "service_account", "client_email": "reader@shop.example.com", "private_key_id": "1", "token_uri": server.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	account := fetch.GCSAccount{Name: "a", APIEndpoint: server.URL, JSONPath: file(t, asJSON(t, key))}
	a := accounts(t, fetch.Config{GCS: one(account)})
	const ref = "gs://shop/deploy/app #1.yml"
	for range 2 {
		if got := get(t, a, gennaker.Artifact{Type: "gcs/object", Reference: ref + "#77"}); got != "generation 77" {
			t.Errorf("got %q", got)
		}
	}
	want := []string{"/token", "/storage/v1/b/shop/o/deploy%2Fapp%20%231.yml?alt=media&generation=77"}
	if diff := cmp.Diff(want, server.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got := get(t, a, gennaker.Artifact{Type: "gcs/object", Reference: "shop/deploy/app #1.yml#78"}); got != "generation 78" {
		t.Errorf("without scheme: got %q", got)
	}
	refuses(t, a, gennaker.Artifact{Type: "gcs/object", Reference: "gs://shop/none"}, gennaker.NotFound, "none")
	for ref, says := range map[string]string{"gs://shop": "no object", "s3://shop/x": "gs://", ref: "generation", "gs://shop/x#0": "generation", "gs:///x": "bucket"} {
		refuses(t, a, gennaker.Artifact{Type: "gcs/object", Reference: ref}, gennaker.Invalid, says)
	}
	other := map[string]func(m map[string]string){
		"refused":         func(m map[string]string) { m["client_email"] = "s3cret@example.com" },
		"service account": func(m map[string]string) { m["type"] = "authorized_user" },
		"private key":     func(m map[string]string) { m["private_key"] = "hunter2" },
		"JSON key":        func(m map[string]string) { m["token_uri"] = "::" },
		"connection":      func(m map[string]string) { m["token_uri"] = "http://127.0.0.1:1/" },
		"without a token": func(m map[string]string) { m["token_uri"] = startPlain(t, "{}") },
		"503 Service":     func(m map[string]string) { m["token_uri"] = startStatus(t, 503) },
	}
	kinds := map[string]gennaker.Kind{"refused": gennaker.Denied, "connection": gennaker.Unavailable, "without a token": gennaker.Unavailable, "503 Service": gennaker.Unavailable}
	for says, change := range other {
		changed := map[string]string{}
		maps.Copy(changed, key)
		change(changed)
		account.JSONPath = file(t, asJSON(t, changed))
		kind, text := kinds[says], says
		if kind == "" {
			kind = gennaker.Invalid
		}
		if says == "refused" {
			text = "account a"
		}
		refuses(t, accounts(t, fetch.Config{GCS: one(account)}), gennaker.Artifact{Type: "gcs/object", Reference: ref + "#1"}, kind, text)
	}
	account.JSONPath = file(t, "no JSON")
	refuses(t, accounts(t, fetch.Config{GCS: one(account)}), gennaker.Artifact{Type: "gcs/object", Reference: "gs://shop/x"}, gennaker.Invalid, "no JSON")
	account.JSONPath = ""
	refuses(t, accounts(t, fetch.Config{GCS: one(account)}), gennaker.Artifact{Type: "gcs/object", Reference: "gs://shop/x"}, gennaker.Denied, "account a")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file(t, asJSON(t, key)))
	if got := get(t, accounts(t, fetch.Config{GCS: one(account)}), gennaker.Artifact{Type: "gcs/object", Reference: ref + "#1"}); got != "generation 1" {
		t.Errorf("with the key of the environment: got %q", got)
	}
}

func startPlain(t testing.TB, text string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, text) }).URL
}

func startStatus(t testing.TB, code int) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }).URL
}
