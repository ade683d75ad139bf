-- An execution. doc never changes; head is the skeleton without its stages. The
-- other columns are copies for listings. application is in lower case, times
-- are epoch milliseconds, 0 for none.
CREATE TABLE execution (
  id          TEXT    NOT NULL PRIMARY KEY,
  type        TEXT    NOT NULL,
  application TEXT    NOT NULL,
  config_id   TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  status      TEXT    NOT NULL,
  build_time  INTEGER NOT NULL,
  start_time  INTEGER NOT NULL,
  end_time    INTEGER NOT NULL,
  open        INTEGER NOT NULL CHECK (open IN (0, 1)),
  doc         TEXT    NOT NULL,
  head        TEXT    NOT NULL
);

-- Each index ends in the order of listings. The status stands before it, so
-- that a listing by status reads no row that it does not answer.
CREATE INDEX execution_by_time        ON execution (type, status, build_time, id);
CREATE INDEX execution_by_application ON execution (application, type, status, build_time, id);
CREATE INDEX execution_by_config      ON execution (application, config_id, type, status, build_time, id);
CREATE INDEX execution_open           ON execution (build_time, id) WHERE open = 1;

-- Which pipelines ever ran in which application, '' being none: where the
-- listings of each pipeline begin.
CREATE TABLE lane (
  application TEXT NOT NULL,
  config_id   TEXT NOT NULL,
  PRIMARY KEY (application, config_id)
) WITHOUT ROWID;

CREATE INDEX lane_by_config ON lane (config_id);

-- A stage's skeleton; and its open JSON, which is larger and changes less often,
-- each part by itself: part is 0 for the context, 1 for the outputs, 2 for who
-- last changed it by hand. brief is what listings show of it, '' for nothing; it
-- stands before doc so that they do not read that.
CREATE TABLE stage (
  execution TEXT NOT NULL,
  id        TEXT NOT NULL,
  state     TEXT NOT NULL,
  PRIMARY KEY (execution, id)
) WITHOUT ROWID;

CREATE TABLE stage_doc (
  execution TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  part      INTEGER NOT NULL,
  brief     TEXT    NOT NULL,
  doc       TEXT    NOT NULL,
  PRIMARY KEY (execution, id, part)
) WITHOUT ROWID;

-- What commits changed in stages that is not in their table yet: several
-- skeletons a row, each part behind its length.
CREATE TABLE journal (
  seq INTEGER NOT NULL PRIMARY KEY,
  doc BLOB    NOT NULL
);

-- Applications and pipelines as they are now. Keys are in lower case.
CREATE TABLE application (
  key TEXT NOT NULL PRIMARY KEY,
  doc TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE pipeline (
  id          TEXT NOT NULL PRIMARY KEY,
  application TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  name        TEXT NOT NULL,
  doc         TEXT NOT NULL,
  UNIQUE (application, name_key)
);

-- Every save of a document; those of deleted ones stay.
CREATE TABLE revision (
  kind    TEXT    NOT NULL, -- application, pipeline
  key     TEXT    NOT NULL, -- the application's key, the pipeline's id
  number  INTEGER NOT NULL,
  author  TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  doc     TEXT    NOT NULL,
  PRIMARY KEY (kind, key, number)
) WITHOUT ROWID;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  who    TEXT    NOT NULL,
  action TEXT    NOT NULL,
  target TEXT    NOT NULL,
  before TEXT,
  after  TEXT,
  why    TEXT    NOT NULL
);
