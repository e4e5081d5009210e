-- A model has builds: sets of rows side by side, of which queries read the live one. What there was is build 1, whose
-- table keeps its name.
CREATE TABLE builds (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    build INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    indexes TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('live', 'shadow', 'kept')),
    PRIMARY KEY (name, version, build)
) STRICT, WITHOUT ROWID;

INSERT INTO builds SELECT name, version, 1, epoch, indexes, 'live' FROM models;

CREATE UNIQUE INDEX live_builds ON builds (name, version) WHERE role = 'live';

CREATE TABLE read_up_to (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    build INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (name, version, build, partition)
) STRICT, WITHOUT ROWID;

INSERT INTO read_up_to SELECT model, version, 1, partition, position FROM checkpoints;

-- Streams that wait, from the event on that could not be applied.
CREATE TABLE parked (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    build INTEGER NOT NULL,
    stream TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    stream_version INTEGER NOT NULL,
    cause TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (name, version, build, stream)
) STRICT, WITHOUT ROWID;

DROP TABLE models;
DROP TABLE checkpoints;
