// Package storm holds no code, only tests: they deploy real processes behind
// real load balancers under constant load, and meanwhile kill the server, the
// node, or both, at random moments. What was accepted must end as if nothing had
// happened, must have happened once, and, as long as the node lives, no request
// may be lost.
//
//	go test -run Storm ./internal/app/storm -storm.kills=200
package storm
