-- What says who somebody is, what a room is and who may read it is sealed as the log is: `seal` is a function of ours
-- (`store/sqlite/seal.rs`).

ALTER TABLE users ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
UPDATE users SET seal = seal(id, username, name_key, role);

ALTER TABLE rooms ADD COLUMN seal INTEGER NOT NULL DEFAULT 0; -- of all but the head, which the log knows
UPDATE rooms SET seal = seal(id, slug, name, topic, visibility, invite, epoch);

ALTER TABLE members ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
UPDATE members SET seal = seal(user, room);
