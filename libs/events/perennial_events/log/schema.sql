-- The event log on PostgreSQL. One row of `batches` holds the records that one append gave to one
-- partition, as parallel arrays, the way Kafka keeps record batches: an append costs a row for each
-- partition it touches, not for each event. To look at single events, unnest the arrays.

CREATE TABLE IF NOT EXISTS partitions (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text    NOT NULL,
    number      integer NOT NULL,
    next_offset bigint  NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS batches (
    partition_id integer     NOT NULL,  -- of `partitions`, which its writer has locked
    last_offset  bigint      NOT NULL,
    base_offset  bigint      NOT NULL,
    appended_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ids          uuid[]        NOT NULL,
    types        text[]        NOT NULL,
    sources      text[]        NOT NULL,
    subjects     text[]        NOT NULL,
    times        timestamptz[] NOT NULL,
    keys         text[]        NOT NULL,
    imported     boolean[]     NOT NULL,
    data         text[]        NOT NULL,
    PRIMARY KEY (partition_id, last_offset)
);

-- Who reads in which group. A member is alive while its backend is connected and it was seen lately,
-- so a crash frees its partitions at once and a frozen process frees them after a while.
CREATE TABLE IF NOT EXISTS members (
    consumer_group text        NOT NULL,
    member         uuid        NOT NULL,
    topics         text[]      NOT NULL,
    backend_pid    integer     NOT NULL,
    seen_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer_group, member)
);

-- Appends the records whose counts are given for each partition, in the order of the arrays.
-- The rows of `partitions` are locked in id order, so appends never deadlock, and until commit, so
-- a reader that sees an offset has seen every smaller one.
CREATE OR REPLACE FUNCTION append_batches(
    partition_ids integer[], counts integer[], ids uuid[], types text[], sources text[],
    subjects text[], times timestamptz[], keys text[], imported boolean[], data text[]
) RETURNS void LANGUAGE sql AS $$
    WITH part AS (
        SELECT id, n, sum(n) OVER (ORDER BY ord)::integer AS upto
        FROM unnest(partition_ids, counts) WITH ORDINALITY AS p (id, n, ord)
    ), locked AS MATERIALIZED (
        SELECT p.id FROM partitions p WHERE p.id = ANY (partition_ids) ORDER BY p.id FOR UPDATE
    ), moved AS (
        UPDATE partitions p SET next_offset = p.next_offset + part.n
        FROM locked JOIN part USING (id) WHERE p.id = locked.id
        RETURNING p.id, p.next_offset, part.n, part.upto - part.n + 1 AS first, part.upto
    )
    INSERT INTO batches
    SELECT m.id, m.next_offset - 1, m.next_offset - m.n, clock_timestamp(),
           ids[m.first:m.upto], types[m.first:m.upto], sources[m.first:m.upto],
           subjects[m.first:m.upto], times[m.first:m.upto], keys[m.first:m.upto],
           imported[m.first:m.upto], data[m.first:m.upto]
    FROM moved m
$$;
