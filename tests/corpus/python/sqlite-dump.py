import sqlite3, contextlib, zlib

with contextlib.closing(sqlite3.connect(":memory:")) as db:
    db.execute("create table t (import text, from_ text)")
    print(*db.iterdump(), zlib.crc32(b""))
