package balancer_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/node/balancer"
)

// BenchmarkProxy compares the balancer with a bare ReverseProxy and with no
// proxy, each with clients and backend in this process.
func BenchmarkProxy(b *testing.B) {
	body := strings.Repeat("x", 1024)
	target := backend(b, "a", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	to := &url.URL{Scheme: "http", Host: target.Address}
	bare := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(to); p.SetXForwarded() },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	})
	b.Cleanup(bare.Close)
	bal := balancer.New(slog.New(slog.DiscardHandler))
	if err := bal.Listen(b.Context(), "lb", "127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	bal.Set(one(target))
	for _, c := range []struct{ name, url string }{
		{"none", to.String()}, {"bare", bare.URL}, {"balancer", "http://" + bal.Addr("lb")},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
			defer client.CloseIdleConnections()
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					res, err := client.Get(c.url)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
			})
		})
	}
}
