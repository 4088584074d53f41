-- Ids of users and operations are UUIDs as 16 bytes, times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE users (
    id         BLOB    NOT NULL PRIMARY KEY,
    username   TEXT    NOT NULL,
    name_key   TEXT    NOT NULL UNIQUE, -- the name without case and compatibility forms
    role       TEXT    NOT NULL CHECK (role IN ('guest')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token      BLOB    NOT NULL PRIMARY KEY, -- SHA-256; the token itself is nowhere
    user       BLOB    NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE rooms (
    id         INTEGER PRIMARY KEY,
    slug       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL, -- the name in lower case, to sort by
    topic      TEXT    NOT NULL,
    visibility TEXT    NOT NULL CHECK (visibility IN ('public', 'private')),
    invite     TEXT    UNIQUE CHECK ((invite IS NULL) = (visibility = 'public')),
    epoch      TEXT    NOT NULL,
    head       INTEGER NOT NULL DEFAULT 0, -- the last event
    creator    BLOB    REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_by_name ON rooms (name_key, id);

CREATE TABLE members (
    user     BLOB    NOT NULL REFERENCES users (id),
    room     INTEGER NOT NULL REFERENCES rooms (id),
    since    INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

-- Up to where a user has read a room; no row: nothing of it.
CREATE TABLE reads (
    user BLOB    NOT NULL REFERENCES users (id),
    room INTEGER NOT NULL REFERENCES rooms (id),
    seq  INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

-- The log: the truth. Rows are only added; what changes is `content`, which is wiped when its message is deleted, and with
-- it `words`. Both are checksums (`store/sqlite/seal.rs`).
-- Long columns stand last, so that looking at the others does not read them.
CREATE TABLE events (
    room     INTEGER NOT NULL REFERENCES rooms (id),
    seq      INTEGER NOT NULL, -- 1, 2, 3 … in each room
    author   BLOB    NOT NULL REFERENCES users (id),
    op_id    BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    -- Not `IN` with a list: for one of more than two SQLite makes a table at each INSERT.
    kind     TEXT    NOT NULL CHECK (kind = 'message' OR kind = 'edited' OR kind = 'deleted' OR kind = 'reacted'),
    target   INTEGER, -- of edited, deleted and reacted: which message
    reply_to INTEGER, -- of message
    emoji    TEXT,    -- of reacted
    is_on    INTEGER, -- of reacted
    seal     INTEGER NOT NULL, -- of all but the content
    words    INTEGER, -- of the content
    username TEXT    NOT NULL,
    content  TEXT,    -- of message and edited
    PRIMARY KEY (room, seq),
    UNIQUE (author, op_id)
) STRICT;
CREATE INDEX events_by_target ON events (room, target) WHERE target IS NOT NULL;

-- The log folded into messages. Everything here can be made again from `events`.
CREATE TABLE messages (
    room      INTEGER NOT NULL REFERENCES rooms (id),
    seq       INTEGER NOT NULL,
    version   INTEGER NOT NULL, -- the last event folded in
    author    BLOB    NOT NULL,
    id        BLOB    NOT NULL, -- of the operation that posted it
    at        INTEGER NOT NULL,
    edited_at INTEGER,
    reply_to  INTEGER,
    previous  INTEGER,          -- the message before it in the room, so that none can be missing unseen
    seal      INTEGER NOT NULL, -- of the whole row
    words     INTEGER,          -- of what is said
    username  TEXT    NOT NULL,
    reactions TEXT    NOT NULL DEFAULT '[]', -- JSON, as on the wire
    content   TEXT,             -- NULL: deleted
    PRIMARY KEY (room, seq)
) STRICT;

-- Whom a message mentions, by name in lower case; not its author.
CREATE TABLE mentions (
    name TEXT    NOT NULL,
    room INTEGER NOT NULL REFERENCES rooms (id),
    seq  INTEGER NOT NULL,
    PRIMARY KEY (name, room, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_by_message ON mentions (room, seq);

-- One row that a check of the store writes.
CREATE TABLE heartbeat (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    beats    INTEGER NOT NULL
) STRICT;
INSERT INTO heartbeat VALUES (1, 0);
