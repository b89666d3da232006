"""Files as the releases before revisions made them: the statements are those that they ran."""

import sqlite3
from pathlib import Path

CENTER = """
CREATE TABLE entity (
    seq INTEGER NOT NULL, id VARCHAR NOT NULL, kind VARCHAR NOT NULL, created VARCHAR NOT NULL,
    modified VARCHAR NOT NULL, version INTEGER NOT NULL, name VARCHAR, model_id VARCHAR, snapshot_id VARCHAR,
    engine_id VARCHAR, "key" VARCHAR, status VARCHAR, pending VARCHAR, body JSON NOT NULL,
    PRIMARY KEY (seq), UNIQUE (id)
);
CREATE INDEX entity_created ON entity (kind, created, seq);
CREATE INDEX entity_name ON entity (kind, name);
CREATE INDEX ix_entity_engine_id ON entity (engine_id);
CREATE INDEX ix_entity_model_id ON entity (model_id);
CREATE INDEX ix_entity_pending ON entity (pending);
CREATE INDEX ix_entity_snapshot_id ON entity (snapshot_id);
CREATE TABLE content (digest VARCHAR NOT NULL, data BLOB NOT NULL, PRIMARY KEY (digest));
"""
KEYS = 'CREATE UNIQUE INDEX entity_key ON entity (kind, "key");'
TOKENS = """
CREATE TABLE runtime_token (
    id INTEGER NOT NULL, runtime VARCHAR NOT NULL, digest VARCHAR NOT NULL, issued VARCHAR NOT NULL,
    used VARCHAR, replaced VARCHAR, PRIMARY KEY (id), UNIQUE (digest)
);
CREATE INDEX ix_runtime_token_runtime ON runtime_token (runtime);
"""
DELIVERY = """
CREATE TABLE delivery (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, identifier VARCHAR NOT NULL, body BLOB NOT NULL,
    attempts INTEGER NOT NULL, due INTEGER NOT NULL
);
CREATE INDEX ix_delivery_due ON delivery (due);
"""
DESK = """
CREATE TABLE issue (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issue_type VARCHAR NOT NULL, summary VARCHAR NOT NULL,
    description VARCHAR NOT NULL, status VARCHAR NOT NULL, resolution VARCHAR, expiration VARCHAR,
    reporter VARCHAR NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
);
CREATE INDEX ix_issue_status ON issue (status);
CREATE INDEX ix_issue_updated ON issue (updated);
CREATE TABLE label (
    issue INTEGER NOT NULL, name VARCHAR NOT NULL, PRIMARY KEY (issue, name),
    FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE INDEX ix_label_name ON label (name);
CREATE TABLE property (
    issue INTEGER NOT NULL, "key" VARCHAR NOT NULL, value JSON NOT NULL, PRIMARY KEY (issue, "key"),
    FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE TABLE comment (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author VARCHAR NOT NULL,
    body VARCHAR NOT NULL, created INTEGER NOT NULL, FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE INDEX ix_comment_issue ON comment (issue);
CREATE TABLE attachment (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author VARCHAR NOT NULL,
    filename VARCHAR NOT NULL, mime_type VARCHAR NOT NULL, size INTEGER NOT NULL, content BLOB,
    created INTEGER NOT NULL, FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE INDEX ix_attachment_issue ON attachment (issue);
CREATE TABLE remote_link (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, global_id VARCHAR, url VARCHAR NOT NULL,
    title VARCHAR NOT NULL, FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE INDEX ix_remote_link_issue ON remote_link (issue);
CREATE TABLE history (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author VARCHAR NOT NULL,
    created INTEGER NOT NULL, items JSON NOT NULL, FOREIGN KEY(issue) REFERENCES issue (number) ON DELETE CASCADE
);
CREATE INDEX ix_history_issue ON history (issue);
CREATE TABLE record (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "table" VARCHAR NOT NULL, sys_id VARCHAR NOT NULL,
    number VARCHAR, correlation_id VARCHAR, parent VARCHAR, standing VARCHAR, fields JSON NOT NULL,
    sys_created_on VARCHAR NOT NULL, sys_created_by VARCHAR NOT NULL, sys_updated_on VARCHAR NOT NULL,
    sys_updated_by VARCHAR NOT NULL, sys_mod_count INTEGER NOT NULL, UNIQUE (sys_id)
);
CREATE INDEX ix_record_correlation_id ON record (correlation_id);
CREATE INDEX ix_record_number ON record (number);
CREATE INDEX ix_record_parent ON record (parent);
CREATE INDEX ix_record_standing ON record (standing);
CREATE INDEX ix_record_table ON record ("table");
CREATE TABLE record_file (sys_id VARCHAR NOT NULL, content BLOB, PRIMARY KEY (sys_id));
CREATE TABLE counter ("table" VARCHAR NOT NULL, last INTEGER NOT NULL, PRIMARY KEY ("table"));
"""


def write(path: Path, *scripts: str) -> None:
    """Make a file with these tables and rows."""
    with sqlite3.connect(path) as database:
        for script in scripts:
            database.executescript(script)
    database.close()
