-- What became of a dead letter: who published its record again, which record answered it, who closed it and why.

ALTER TABLE foldline_dead_letters
    ADD COLUMN IF NOT EXISTS redrives             integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS redriven_at          timestamptz,
    ADD COLUMN IF NOT EXISTS redriven_by          text,
    ADD COLUMN IF NOT EXISTS answered_topic       varchar(249),
    ADD COLUMN IF NOT EXISTS answered_partition   integer,
    ADD COLUMN IF NOT EXISTS answered_incarnation integer,
    ADD COLUMN IF NOT EXISTS answered_offset      bigint,
    ADD COLUMN IF NOT EXISTS answered_at          timestamptz,
    ADD COLUMN IF NOT EXISTS closed_at            timestamptz,
    ADD COLUMN IF NOT EXISTS closed_by            text,
    ADD COLUMN IF NOT EXISTS why                  text;
COMMENT ON COLUMN foldline_dead_letters.status IS
    'What became of it: open, redriven (published again, and not judged yet), applied or rejected_again (by the redriven record), dropped.';
COMMENT ON COLUMN foldline_dead_letters.redrives IS 'How often its record was published again.';
COMMENT ON COLUMN foldline_dead_letters.answered_offset IS
    'With topic, partition and incarnation: the redriven record that decided what became of it.';
COMMENT ON COLUMN foldline_dead_letters.why IS 'Why it was dropped.';
