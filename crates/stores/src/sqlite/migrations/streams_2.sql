-- The ends of streams in sorted runs: each note that is stored becomes a table run_<id> of blocks with some streams each, written in the
-- order of their names; several are merged into one from time to time. A stream ends where the run of the highest rank that has it says.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    rank INTEGER NOT NULL UNIQUE,
    streams INTEGER NOT NULL
) STRICT;

-- What was stored before is read from the log once more.
DROP TABLE ends;
DELETE FROM milestones;
DELETE FROM read_up_to;
