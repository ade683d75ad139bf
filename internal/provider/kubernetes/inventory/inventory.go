package inventory

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// CloudProvider is the type of the accounts that are clusters.
const CloudProvider = "kubernetes"

// Config is what to watch.
type Config struct {
	Account        string
	REST           *rest.Config    // without a limit of its own for requests, where the server has priority and fairness
	Namespaces     []string        // only these; none is all
	OmitNamespaces []string        // all but these
	Kinds          []string        // of those that the model does not need, only these ("ConfigMap", "gadget.example.com", any case); none is all
	OmitKinds      []string        // none of these, whether the model needs them or not
	OnlyManaged    bool            // answers hold only what was deployed by a pipeline
	Custom         manifest.Custom // what Kinds says of kinds that are not known otherwise
	Settle         time.Duration   // how long proxies may take to follow a change of endpoints; 0 derives it
	Log            *slog.Logger    // nil means no log
}

// Inventory is the index of one account. It is safe for concurrent use.
type Inventory struct {
	cfg        Config
	log        *slog.Logger
	http       *http.Client
	discovery  *discovery.DiscoveryClient
	metadata   metadata.Interface
	codec      *codec
	gate       gate
	slots      chan struct{} // held while something is listed
	rediscover chan struct{} // the kinds of the cluster may have changed

	index    index
	audience audience

	mu       sync.Mutex
	sources  map[scope]*source
	found    bool          // the kinds of the cluster are known
	foundErr error         // why they are not
	synced   chan struct{} // closed when the model can be answered
	began    time.Time
}

var (
	_ provider.Inventory = (*Inventory)(nil)
	_ provider.Logs      = (*Inventory)(nil)
)

// New returns the inventory of an account. Nothing is asked of the cluster
// before Run.
//
// Errors: Invalid for a configuration that can never work.
func New(cfg Config) (*Inventory, error) {
	i := &Inventory{
		cfg: cfg, log: cfg.Log, slots: make(chan struct{}, maxLists), rediscover: make(chan struct{}, 1),
		sources: map[scope]*source{}, synced: make(chan struct{}), began: time.Now(),
	}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	i.log = i.log.With("account", cfg.Account)
	i.index.init(cfg.Settle, i.audience.tell)
	i.gate.init(func() { i.audience.tell(change{}) })
	var err error
	if i.http, err = rest.HTTPClientFor(cfg.REST); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the client of account %s cannot be made: %w", cfg.Account, err)
	}
	if i.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(cfg.REST, i.http); err != nil {
		return nil, fmt.Errorf("make a client of account %s: %w", cfg.Account, err)
	}
	if i.metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(cfg.REST), i.http); err != nil {
		return nil, fmt.Errorf("make a client of account %s: %w", cfg.Account, err)
	}
	if i.codec, err = newCodec(cfg.REST, i.http); err != nil {
		return nil, fmt.Errorf("make a client of account %s: %w", cfg.Account, err)
	}
	return i, nil
}

// Run watches until ctx ends, and returns when every watch has stopped. It is
// called once.
func (i *Inventory) Run(ctx context.Context) {
	var wg sync.WaitGroup
	i.discover(ctx, &wg)
	wg.Wait()
	i.index.stop()
	i.http.CloseIdleConnections()
}

// State is how fresh the answers are.
type State struct {
	Synced  bool          // everything that the model needs was read at least once
	Live    bool          // changes arrive
	Since   time.Time     // when it became live, or ceased to be
	Err     error         // why it is not live
	Age     time.Duration // how old the answers may be; 0 while it is live
	Objects int           // in the index
	Watches int
	LeftOut []string // kinds that the credentials may not watch, as "secrets" or "gadgets.example.com", with " in NAMESPACE" if it is one
	Unread  []string // kinds that could not be read yet, for another reason
}

// State returns how fresh the answers are.
func (i *Inventory) State() State {
	err, since, asOf := i.gate.state()
	s := State{Live: err == nil, Since: since, Err: err, Objects: i.index.size()}
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.Since.IsZero() {
		s.Since = i.began
	}
	for at, src := range i.sources {
		s.Watches++
		synced, refused := src.progress()
		switch {
		case refused:
			s.LeftOut = append(s.LeftOut, at.String())
		case !synced:
			s.Unread = append(s.Unread, at.String())
		}
	}
	slices.Sort(s.LeftOut)
	slices.Sort(s.Unread)
	select {
	case <-i.synced:
		s.Synced = true
	default:
		s.Live = false
		if s.Err == nil {
			s.Err = cmp.Or(i.foundErr, error(gennaker.Errorf(gennaker.Unavailable, "the account %s is being read for the first time", i.cfg.Account)))
		}
	}
	if !s.Live && !asOf.IsZero() {
		s.Age = time.Since(asOf)
	}
	return s
}

// WaitSynced returns when everything that the model needs was read once.
//
// Errors: Unavailable with the reason if ctx ends before.
func (i *Inventory) WaitSynced(ctx context.Context) error {
	select {
	case <-i.synced:
		return nil
	case <-ctx.Done():
		return i.unread()
	}
}

// ready returns why there is no answer yet; one that is old is an answer.
func (i *Inventory) ready() error {
	if i.answers() {
		return nil
	}
	return i.unread()
}

// answers reports whether everything that the model needs was read once.
func (i *Inventory) answers() bool {
	select {
	case <-i.synced:
		return true
	default:
		return false
	}
}

func (i *Inventory) unread() error {
	s := i.State()
	reason := "it is being read for the first time"
	if s.Err != nil {
		reason = s.Err.Error()
	}
	if len(s.Unread) > 0 {
		reason += "; not read yet: " + strings.Join(s.Unread[:min(5, len(s.Unread))], ", ")
	}
	return gennaker.Errorf(gennaker.Unavailable, "what is in account %s is not known yet: %s", i.cfg.Account, reason)
}

// asOf returns the time as of which answers hold; zero while they are live.
func (i *Inventory) asOf() gennaker.Time {
	if err, _, asOf := i.gate.state(); err != nil {
		return gennaker.At(asOf)
	}
	return gennaker.Time{}
}
