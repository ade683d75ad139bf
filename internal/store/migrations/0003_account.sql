-- Accounts that were made while the server ran; their credentials are elsewhere.
CREATE TABLE account (
  name TEXT PRIMARY KEY,
  doc  TEXT NOT NULL
) WITHOUT ROWID;
