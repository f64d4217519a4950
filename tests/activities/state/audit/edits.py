"""Ways to falsify an audit log, each with what a person could do who may write to the database and lacks the key."""

import json
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state.audit.chain import FIRST, digest
from holdfast_activities.state.audit.heads import signer

Row = dict[str, Any]


@dataclass
class Tables:
    """The rows of both tables, as a falsifier changes them."""

    rows: list[Row]
    heads: list[Row]

    @classmethod
    def read(cls, database: sqlite3.Connection) -> "Tables":
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT * FROM holdfast_audit ORDER BY tenant, n").fetchall()
        heads = database.execute("SELECT * FROM holdfast_audithead ORDER BY tenant").fetchall()
        return cls([dict(row) for row in rows], [dict(head) for head in heads])

    def copy(self) -> "Tables":
        return Tables([dict(row) for row in self.rows], [dict(head) for head in self.heads])

    def write(self, database: sqlite3.Connection) -> None:
        """Replace the tables' content, without the triggers and indexes that would refuse some of it."""
        with database:
            for table, rows in (("audit", self.rows), ("audithead", self.heads)):
                database.execute(f"DELETE FROM holdfast_{table}")
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    database.execute(
                        f"INSERT INTO holdfast_{table} ({', '.join(row)}) VALUES ({marks})", [*row.values()]
                    )

    def of(self, tenant: str) -> list[Row]:
        return [row for row in self.rows if row["tenant"] == tenant]

    def head(self, tenant: str) -> Row:
        return next(head for head in self.heads if head["tenant"] == tenant)

    def rebuild(self, tenant: str, rows: list[Row]) -> None:
        """Replace a chain by these records, numbered and with the right hashes; its head is moved and not signed."""
        previous = FIRST
        for n, row in enumerate(rows, 1):
            row["n"], row["hash"] = n, digest(n, previous, row["body"])
            previous = row["hash"]
        self.rows = [row for row in self.rows if row["tenant"] != tenant] + rows
        self.head(tenant).update(n=len(rows), hash=previous)


def forge(head: Row, chance: random.Random) -> None:
    """Give a head a signature, which the falsifier cannot make with the right key."""
    sign = signer(SigningKeys.new())
    assert sign is not None
    key, signature = sign(head["tenant"], head["n"], head["hash"])
    head["signature"] = signature
    if chance.random() < 0.5:
        head["key"] = key


def edited(row: Row, **changes: Any) -> Row:
    """A record with other content, in its columns and its body."""
    body = {**json.loads(row["body"]), **changes}
    columns = {name: value for name, value in changes.items() if name in row}
    return {**row, **columns, "body": json.dumps(body, sort_keys=True, separators=(",", ":"))}


Edit = Callable[[Tables, str, random.Random, list[Tables]], None]
"""Falsifies tables in place: the chain of a tenant, by chance, with older states of the tables at hand."""


def change_a_column(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    row = chance.choice(tables.of(tenant))
    name = chance.choice(["id", "kind", "session", "principal", "at", "body", "hash", "n"])
    row[name] = row[name] + 1_000 if name in ("at", "n") else f"{row[name]}x"


def change_content(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    row = chance.choice(tables.of(tenant))
    row.update(edited(row, **{chance.choice(["principal", "reason", "action", "subject"]): "mallory"}))


def change_content_and_its_hash(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    at = chance.randrange(len(rows))
    previous = rows[at - 1]["hash"] if at else FIRST
    new = edited(rows[at], principal="mallory")
    rows[at].update(new, hash=digest(new["n"], previous, new["body"]))


def remove_a_record(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    tables.rows.remove(chance.choice(tables.of(tenant)))


def remove_and_renumber(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    gone = chance.choice(tables.of(tenant))
    tables.rows.remove(gone)
    for row in tables.of(tenant):
        row["n"] -= row["n"] > gone["n"]


def swap_two(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    one, two = chance.sample(tables.of(tenant), 2)
    one["n"], two["n"] = two["n"], one["n"]


def swap_contents(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    one, two = chance.sample(tables.of(tenant), 2)
    n, other = one["n"], two["n"]
    one_hash, two_hash = one["hash"], two["hash"]
    before = dict(one)
    one.update(two, n=n, hash=one_hash)
    two.update(before, n=other, hash=two_hash)


def insert_a_record(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    at = chance.randrange(len(rows))
    for row in rows[at:]:
        row["n"] += 1
    new = edited(rows[at - 1], id=f"inserted-{chance.random()}")
    previous = rows[at - 1]["hash"] if at else FIRST
    tables.rows.append({**new, "n": at + 1, "hash": digest(at + 1, previous, new["body"])})


def add_a_record(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    last = tables.of(tenant)[-1]
    new = edited(last, id=f"added-{chance.random()}")
    n = last["n"] + 1
    tables.rows.append({**new, "n": n, "hash": digest(n, last["hash"], new["body"])})
    if chance.random() < 0.7:
        head = tables.head(tenant)
        head.update(n=n, hash=tables.rows[-1]["hash"])
        if chance.random() < 0.7:
            forge(head, chance)


def cut_the_tail(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    for row in rows[chance.randrange(1, len(rows)) :]:
        tables.rows.remove(row)


def cut_the_tail_with_its_head(
    tables: Tables, tenant: str, chance: random.Random, older: list[Tables]
) -> None:
    """Take a chain back to an earlier state, with the head that was signed then."""
    before = chance.choice(older)
    tables.rows = [row for row in tables.rows if row["tenant"] != tenant] + before.copy().of(tenant)
    tables.head(tenant).update(before.head(tenant))


def restore_an_older_copy(tables: Tables, _tenant: str, chance: random.Random, older: list[Tables]) -> None:
    before = chance.choice(older).copy()
    tables.rows, tables.heads = before.rows, before.heads


def rewrite_from_a_record(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    at = chance.randrange(len(rows))
    rows[at] = edited(rows[at], principal="mallory")
    tables.rebuild(tenant, rows)
    if chance.random() < 0.7:
        forge(tables.head(tenant), chance)


def remove_and_rewrite(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    del rows[chance.randrange(len(rows))]
    tables.rebuild(tenant, rows)
    if chance.random() < 0.7:
        forge(tables.head(tenant), chance)


def reorder_and_rewrite(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    rows = tables.of(tenant)
    at = chance.randrange(1, len(rows))
    rows[at - 1], rows[at] = rows[at], rows[at - 1]
    tables.rebuild(tenant, rows)
    if chance.random() < 0.7:
        forge(tables.head(tenant), chance)


def move_a_record_to_another_tenant(
    tables: Tables, tenant: str, chance: random.Random, _: list[Tables]
) -> None:
    other = chance.choice([head["tenant"] for head in tables.heads if head["tenant"] != tenant])
    row = chance.choice(tables.of(tenant))
    row.update(tenant=other, n=len(tables.of(other)) + 1)


def exchange_tenants(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    other = chance.choice([head["tenant"] for head in tables.heads if head["tenant"] != tenant])
    names = {tenant: other, other: tenant}
    for row in (*tables.rows, *tables.heads):
        row["tenant"] = names.get(row["tenant"], row["tenant"])


def remove_a_tenant(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    tables.rows = [row for row in tables.rows if row["tenant"] != tenant]
    if chance.random() < 0.5:
        tables.heads.remove(tables.head(tenant))


def change_the_head(tables: Tables, tenant: str, chance: random.Random, _: list[Tables]) -> None:
    head = tables.head(tenant)
    name = chance.choice(["n", "hash", "key", "signature", "all"])
    if name == "all":
        tables.heads.remove(head)
    elif name == "n":
        head["n"] += chance.choice([-1, 1])
    else:
        head[name] = chance.choice(["", f"{head[name][:-2]}xx"])


EDITS: tuple[Edit, ...] = (
    change_a_column,
    change_content,
    change_content_and_its_hash,
    remove_a_record,
    remove_and_renumber,
    swap_two,
    swap_contents,
    insert_a_record,
    add_a_record,
    cut_the_tail,
    cut_the_tail_with_its_head,
    restore_an_older_copy,
    rewrite_from_a_record,
    remove_and_rewrite,
    reorder_and_rewrite,
    move_a_record_to_another_tenant,
    exchange_tenants,
    remove_a_tenant,
    change_the_head,
)
