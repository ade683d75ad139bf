package gennaker

// Account is a place to deploy to.
type Account struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	CloudProvider string   `json:"cloudProvider"`
	Regions       []string `json:"regions"`
	Environment   string   `json:"environment,omitzero"`
}

// AccountDiagnosis is what was found when the credentials of an account were
// tried.
type AccountDiagnosis struct {
	OK        bool             `json:"ok"`               // everything that the account needs is allowed
	Usable    bool             `json:"usable"`           // it answers, and at least some of its objects can be read
	Server    string           `json:"server,omitzero"`  // URL
	Version   string           `json:"version,omitzero"` // of the server, e.g. v1.37.2
	User      string           `json:"user,omitzero"`    // who the server takes us for
	Problems  []AccountProblem `json:"problems"`
	CheckedAt Time             `json:"checkedAt"`
}

// AccountProblem is one reason why an account does not work as it should.
type AccountProblem struct {
	Kind    string             `json:"kind"` // configuration, unreachable, tls, unauthorized, forbidden, failing
	Message string             `json:"message"`
	Hint    string             `json:"hint,omitzero"`
	Missing []AccountOperation `json:"missing,omitzero"` // of kind forbidden: what is not allowed
}

// AccountOperation is something that an account's credentials may or may not do.
type AccountOperation struct {
	Namespace string   `json:"namespace,omitzero"` // "" is all, or none for what is in none
	Group     string   `json:"apiGroup"`           // "" is the core group
	Resource  string   `json:"resource"`           // with its subresource: "pods/log"
	Verbs     []string `json:"verbs"`
}

// AccountView is an account with how it is configured and how it goes.
type AccountView struct {
	Account
	// Source says who made it: "builtin", "configuration" (the server's file), or
	// "stored" (made while the server ran, and to be changed so).
	Source   string         `json:"source"`
	Settings map[string]any `json:"settings,omitzero"` // as it was configured; no credentials are in it
	State    AccountState   `json:"state"`
}

// AccountState is how well the server knows what is in an account.
type AccountState struct {
	Connected bool   `json:"connected"`        // what is shown is what is there
	Since     Time   `json:"since,omitzero"`   // when Connected became what it is
	Reason    string `json:"reason,omitzero"`  // why it is not connected, or what cannot be seen, in a sentence
	Hint      string `json:"hint,omitzero"`    // what to do about Reason
	SeenAt    Time   `json:"seenAt,omitzero"`  // how old what is shown may be at most
	Objects   int    `json:"objects,omitzero"` // that are watched
}
