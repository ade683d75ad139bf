-- Strategies have names of their own: an application may have a pipeline and a
-- strategy that are called the same.
CREATE TABLE pipeline_apart (
  id          TEXT    NOT NULL PRIMARY KEY,
  application TEXT    NOT NULL,
  strategy    INTEGER NOT NULL CHECK (strategy IN (0, 1)),
  name_key    TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  doc         TEXT    NOT NULL,
  UNIQUE (application, strategy, name_key)
);

INSERT INTO pipeline_apart (id, application, strategy, name_key, name, doc)
SELECT id, application, coalesce(json_type(doc, '$.strategy') = 'true', 0), name_key, name, doc FROM pipeline;

DROP TABLE pipeline;

ALTER TABLE pipeline_apart RENAME TO pipeline;

-- Projects; name_key is the name in lower case.
CREATE TABLE project (
  id       TEXT NOT NULL PRIMARY KEY,
  name_key TEXT NOT NULL UNIQUE,
  doc      TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE canary_config (
  id  TEXT NOT NULL PRIMARY KEY,
  doc TEXT NOT NULL
) WITHOUT ROWID;

-- The notifications of an application, whose name is in lower case.
CREATE TABLE notification (
  application TEXT NOT NULL PRIMARY KEY,
  doc         TEXT NOT NULL
) WITHOUT ROWID;
