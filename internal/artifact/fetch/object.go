package fetch

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/gennaker/gennaker"
)

// emptyHash is the SHA-256 of no bytes, the body of a GET.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// s3 fetches s3/object.
type s3 struct {
	site
	endpoint *url.URL // nil: AWS
	region   string
}

func newS3(a S3Account, client *http.Client) (s3, error) {
	s := s3{region: cmp.Or(a.APIRegion, a.Region, "us-east-1")}
	if a.APIEndpoint != "" {
		text := a.APIEndpoint
		if !strings.Contains(text, "://") {
			text = "https://" + text
		}
		u, err := parseBase(a.Name, "apiEndpoint", text)
		if err != nil {
			return s3{}, err
		}
		s.endpoint = u
	}
	if (a.AWSAccessKeyID == "") != (a.AWSSecretAccessKey == "") {
		return s3{}, gennaker.Errorf(gennaker.Invalid, "the artifact account %q has one of awsAccessKeyId and awsSecretAccessKey", a.Name).
			WithHint("give both, or neither to take them from the environment")
	}
	region := s.region
	s.site = newSite(a.Name, client, nil, func(req *http.Request) error { return sign(a, region, req) })
	return s, nil
}

// sign adds the signature of the account's keys, or of those of the environment;
// without keys the object has to be public.
func sign(a S3Account, region string, req *http.Request) error {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if a.AWSAccessKeyID != "" {
		var err error
		for to, from := range map[*string]Secret{&c.AccessKeyID: a.AWSAccessKeyID, &c.SecretAccessKey: a.AWSSecretAccessKey, &c.SessionToken: a.AWSSessionToken} {
			if *to, err = from.Resolve(); err != nil {
				return err
			}
		}
	}
	if c.AccessKeyID == "" {
		return nil
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	err := v4.NewSigner().SignHTTP(req.Context(), c, req, emptyHash, "s3", region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // the path is escaped once, as S3 wants it
	})
	if err != nil {
		return fmt.Errorf("sign request to S3: %w", err)
	}
	return nil
}

func (s s3) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	bucket, key, err := parseS3(a.Reference)
	if err != nil {
		return err
	}
	return s.download(ctx, d, s.url(bucket, key), content{identity: a.Reference})
}

// url returns the address of an object: with the bucket in the path, except at
// AWS, where it belongs into the name of the host if a certificate can match it.
func (s s3) url(bucket, key string) *url.URL {
	u := url.URL{Scheme: "https"}
	prefix := "/" + bucket
	switch {
	case s.endpoint != nil:
		u = *s.endpoint
		prefix = u.Path + prefix
	case strings.ContainsAny(bucket, "._") || strings.ToLower(bucket) != bucket:
		u.Host = "s3." + s.region + ".amazonaws.com"
	default:
		u.Host = bucket + ".s3." + s.region + ".amazonaws.com"
		prefix = ""
	}
	u.Path = prefix + "/" + key
	u.RawPath = (&url.URL{Path: prefix}).EscapedPath() + "/" + escapeKey(key)
	return &u
}

// escapeKey escapes all but unreserved characters and slashes, as signatures
// have it.
func escapeKey(key string) string {
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// gcs fetches gcs/object through the JSON API.
type gcs struct {
	site
	endpoint *url.URL
}

func newGCS(a GCSAccount, client *http.Client) (gcs, error) {
	u, err := parseBase(a.Name, "apiEndpoint", cmp.Or(a.APIEndpoint, "https://storage.googleapis.com"))
	if err != nil {
		return gcs{}, err
	}
	g := gcs{endpoint: u}
	tokens := &googleTokens{path: a.JSONPath, site: newSite(a.Name, client, nil, nil)}
	g.site = newSite(a.Name, client, hostOf(u), tokens.authorize)
	return g, nil
}

func (g gcs) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	bucket, object, generation, err := parseGCS(a.Reference)
	if err != nil {
		return err
	}
	identity := "gs://" + bucket + "/" + object + "#" + generation
	if generation != "" && d.known(identity) {
		return nil // a generation never changes
	}
	u := *g.endpoint
	u.Path += "/storage/v1/b/" + bucket + "/o/" + object
	u.RawPath = g.endpoint.EscapedPath() + "/storage/v1/b/" + url.PathEscape(bucket) + "/o/" + strings.ReplaceAll(escapeKey(object), "/", "%2F")
	q := url.Values{"alt": {"media"}}
	if generation != "" {
		q.Set("generation", generation)
	}
	u.RawQuery = q.Encode()
	return g.download(ctx, d, &u, content{identity: identity})
}
