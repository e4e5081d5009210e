-- Which models are kept, and of which log. Their rows live in a table per model, made when the model is prepared.
CREATE TABLE models (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    epoch BLOB NOT NULL,
    indexes TEXT NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (model, version, partition)
) STRICT, WITHOUT ROWID;
