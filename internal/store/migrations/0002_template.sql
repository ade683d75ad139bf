-- Pipeline templates: a copy for each tag, an unchanging one for each digest,
-- and one with neither; tag and digest are '' for none.
CREATE TABLE template (
  id     TEXT NOT NULL,
  tag    TEXT NOT NULL,
  digest TEXT NOT NULL,
  doc    TEXT NOT NULL,
  PRIMARY KEY (id, tag, digest)
) WITHOUT ROWID;
