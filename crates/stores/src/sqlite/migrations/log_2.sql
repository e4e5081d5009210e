-- An append writes events, and claims if there are any, and nothing else: where streams end is kept in `streams.db`, where
-- partitions end is where their last event stands, and a batch is found by the id that its events carry.
DROP TABLE heads;
DROP TABLE streams;
DROP TABLE milestones;

-- From here on only batches without events: those that keep an answer and change nothing.
DELETE FROM batches;
