#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3: a database in a file, a write-ahead log with its shared memory, several processes at once.
set -e
sqlite3 -bail data.db <<'SQL'
PRAGMA journal_mode = wal;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, size REAL, owner INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO item SELECT i, printf('name-%06d', (i * 7919) % 100003), i * 0.5, i % 97 FROM n;
COMMIT;
CREATE INDEX item_name ON item (name);
CREATE INDEX item_owner ON item (owner, size);
SELECT count(*), sum(size), max(name) FROM item;
SELECT owner, count(*), round(avg(size), 3) FROM item GROUP BY owner ORDER BY owner LIMIT 5;
EXPLAIN QUERY PLAN SELECT * FROM item WHERE name = 'name-000042';
SELECT id FROM item WHERE name = 'name-000042';
BEGIN; DELETE FROM item WHERE owner = 3; ROLLBACK;
SELECT count(*) FROM item;
CREATE VIRTUAL TABLE text USING fts5(body);
INSERT INTO text SELECT name FROM item LIMIT 1000;
SELECT count(*) FROM text WHERE text MATCH 'name';
SQL
# Ten writers at once: locks must hold.
for n in 1 2 3 4 5 6 7 8 9 10; do
	for k in 1 2 3 4 5; do
		sqlite3 -cmd '.timeout 30000' data.db "UPDATE item SET size = size + 1 WHERE id = 1"
	done &
done
wait
sqlite3 data.db 'SELECT size FROM item WHERE id = 1; PRAGMA integrity_check; VACUUM; PRAGMA journal_mode = delete'
python3=/usr/bin/python3
[ ! -x $python3 ] || $python3 -c '
import sqlite3
db = sqlite3.connect("data.db")
db.create_function("twice", 1, lambda x: 2 * x)
print(db.execute("SELECT twice(count(*)) FROM item").fetchone()[0])
copy = sqlite3.connect("copy.db")
db.backup(copy)
print(copy.execute("SELECT total(size) FROM item").fetchone()[0])'
ls *.db
