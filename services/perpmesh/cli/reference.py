"""Writes docs/EVENT_SCHEMA.md and docs/API_REFERENCE.md from the contracts, so that they cannot differ from them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from perpmesh.cli.gateway import HOME
from perpmesh.platform import contracts

PROTOS = HOME / "protos" / "perpmesh_api"
DOCS = HOME / "docs"
ENVELOPE = (
    "Every event is a Kafka record: key as below, value the protobuf message, envelope in the headers (`ce_id`, "
    "`ce_type`, `ce_source`, `ce_time` in UTC milliseconds, `stream`, `sequence` from 1 without gaps, "
    "`traceparent`, `incarnation`). One partition per topic, one producing service: the part before the first "
    "dot. Kafka is transport, never the record: a producer hands out its retained events through "
    "`EventLogService`. `market.price.updated` is conflated: it has no sequence and is not retained."
)
SERVED = (
    "Every method is served as gRPC and gRPC-Web by the gateway (localhost:8003); those with a path also as JSON."
    " Field names are the same everywhere; 64-bit integers are strings in JSON; money is an exact decimal in a "
    "string. Errors carry `google.rpc` details: `ErrorInfo.reason` for machines, `BadRequest` with the field."
)
OPENING = re.compile(r"(message|enum|service|rpc|oneof|extend)\b.*\{(\})?$")


@dataclass(slots=True)
class Field:
    """One field of a message, or one value of an enumeration."""

    name: str
    type: str
    comment: str


@dataclass(slots=True)
class Block:
    """A message, an enumeration or an RPC, with its comment."""

    kind: str
    name: str
    comment: str
    fields: list[Field] = field(default_factory=list)
    signature: str = ""
    route: str = ""


def read(path: Path) -> tuple[str, list[Block]]:
    """Return a file's package comment and its blocks. The files are formatted by buf, which this relies on."""
    blocks: list[Block] = []
    comment: list[str] = []
    head = ""
    for line in _statements(path.read_text()):
        if line.startswith("//"):
            comment.append(line.removeprefix("//").strip())
            continue
        _take(line, " ".join(comment), blocks)
        if line.startswith("package"):
            head = " ".join(comment)
        comment = []
    return head, blocks


def _statements(text: str) -> Iterator[str]:
    """Yield comment lines, block openings and whole statements; options inside braces are joined to one."""
    pending = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not pending and (not line or line == "}"):
            continue
        if not pending and (line.startswith("//") or OPENING.match(line)):
            yield line
            continue
        pending = f"{pending} {line}".strip()
        if line.endswith((";", "}")) and all(pending.count(a) == pending.count(b) for a, b in ("{}", "[]")):
            yield pending
            pending = ""


def _take(line: str, comment: str, blocks: list[Block]) -> None:
    if opened := re.match(r"(message|enum|service) (\w+) \{", line):
        blocks.append(Block(kind=opened[1], name=opened[2], comment=comment))
        if line.endswith("{}"):
            return
    elif called := re.match(r"rpc (\w+)\((.*?)\) returns \((.*?)\)", line):
        signature = f"{called[2]} → {called[3]}"
        blocks.append(Block(kind="rpc", name=called[1], comment=comment, signature=signature))
    elif routed := re.search(r'(get|post): "([^"]+)"', line):
        blocks[-1].route = f"{routed[1].upper()} {routed[2]}"
    elif blocks and (value := re.match(r"([A-Z][A-Z0-9_]+) = \d+;", line)):
        blocks[-1].fields.append(Field(value[1], "", comment))
    elif blocks and (one := re.match(r"((?:repeated |optional )?(?:map<[^>]+>|[\w.]+)) (\w+) = \d+", line)):
        blocks[-1].fields.append(Field(one[2], one[1].replace("perpmesh_api.", ""), comment))


def event_schema() -> str:
    """Return the document of every domain event."""
    comments = {block.name: block for path in sorted(PROTOS.rglob("*.proto")) for block in read(path)[1]}
    lines = [
        "# Events",
        "",
        "Generated from `protos/` by `make generate`; do not edit.",
        "",
        ENVELOPE,
        "",
        "| type | topic | key | message |",
        "|---|---|---|---|",
    ]
    catalogue = contracts.catalogue()
    lines += [
        f"| `{kind}` | `{c.topic}` | `{c.key}` | `{c.message.DESCRIPTOR.full_name}` |" for kind, c in catalogue.items()
    ]
    for kind, contract in catalogue.items():
        block = comments[contract.message.DESCRIPTOR.name]
        lines += ["", f"## {kind}", "", block.comment, "", *_table(block)]
    return "\n".join(lines) + "\n"


def api_reference() -> str:
    """Return the document of every service, method, message and enumeration."""
    lines = [
        "# API",
        "",
        "Generated from `protos/` by `make generate`; do not edit.",
        "",
        SERVED,
    ]
    for path in sorted(PROTOS.rglob("*.proto")):
        head, blocks = read(path)
        shown = [block for block in blocks if block.fields or block.kind in ("rpc", "service")]
        if not shown:
            continue
        lines += ["", f"## {path.relative_to(PROTOS.parent)}", "", head]
        for block in shown:
            lines += ["", *_section(block)]
    return "\n".join(lines) + "\n"


def _section(block: Block) -> list[str]:
    if block.kind == "service":
        return [f"### {block.name}", "", block.comment]
    if block.kind == "rpc":
        route = f" · `{block.route}`" if block.route else ""
        return [f"#### {block.name}{route}", "", f"`{block.signature}`", "", block.comment]
    return [f"#### {block.name} ({block.kind})", "", block.comment, "", *_table(block)]


def _table(block: Block) -> list[str]:
    if block.kind == "enum":
        return ["| value | |", "|---|---|", *(f"| `{one.name}` | {one.comment} |" for one in block.fields)]
    rows = (f"| `{one.name}` | `{one.type}` | {one.comment} |" for one in block.fields)
    return ["| field | type | |", "|---|---|---|", *rows]


def main() -> None:
    """Write both documents."""
    DOCS.mkdir(exist_ok=True)
    (DOCS / "EVENT_SCHEMA.md").write_text(event_schema())
    (DOCS / "API_REFERENCE.md").write_text(api_reference())


if __name__ == "__main__":
    main()
