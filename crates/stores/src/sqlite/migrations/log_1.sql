-- The log of one context. `place` is the partition (16 bits) and the position in it (47 bits) in one number, so that
-- a partition is one run of the table's own tree, read and appended without a second index.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL,
    partitions INTEGER NOT NULL
) STRICT;

CREATE TABLE heads (
    partition INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    place INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    batch BLOB NOT NULL,
    metadata BLOB,
    payload BLOB NOT NULL
) STRICT;

-- Makes a stream's name unique whatever partition it lives in, and reads one stream in order.
CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

-- One row per append, so that an unknown outcome can be looked up without an index on every event.
CREATE TABLE batches (
    id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    key TEXT PRIMARY KEY,
    fingerprint INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;
