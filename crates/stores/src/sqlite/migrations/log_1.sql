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
    -- The place of the event before it in its stream; 0 for a stream's first.
    previous INTEGER NOT NULL,
    at INTEGER NOT NULL,
    batch BLOB NOT NULL,
    metadata BLOB,
    payload BLOB NOT NULL
) STRICT;

-- The last event of every stream: what makes a stream's name unique whatever partition it lives in. A stream is read
-- from here back along `previous`. An index on (stream, version) would be written for every event, each hot stream on a
-- page of its own; a row here is written once per batch and stream, and a thousand streams fit into a dozen pages.
CREATE TABLE streams (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every 256th event of a stream, so that a part of a long one is found without walking all of it.
CREATE TABLE milestones (
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;

-- One row per append, so that an unknown outcome can be looked up without an index on every event.
CREATE TABLE batches (
    id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    key TEXT PRIMARY KEY,
    fingerprint INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;
