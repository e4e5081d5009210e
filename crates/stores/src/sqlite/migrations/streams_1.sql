-- Where every stream of a log ends, up to some position of each partition: an index that is written behind the log, and
-- made again from it if it is lost.
CREATE TABLE source (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL
) STRICT;

-- How much of the log is in the tables below.
CREATE TABLE read_up_to (
    partition INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- The last event of every stream; a stream is read from there back along `previous`.
CREATE TABLE ends (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every 256th event of a stream, so that a part of a long one is found without walking all of it.
CREATE TABLE milestones (
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;
