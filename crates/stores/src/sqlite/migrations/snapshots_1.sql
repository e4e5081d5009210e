-- Whose log the snapshots fold, and the newest snapshot of each stream.
CREATE TABLE source (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL
) STRICT;

CREATE TABLE snapshots (
    stream TEXT PRIMARY KEY,
    partition INTEGER NOT NULL,
    version INTEGER NOT NULL,
    fold_version INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
