"""All trainings so far become Parquet files, described in Croissant (MLCommons) with checksums.

One file holds the table, another the longer trainings of some architectures. They hold no dates: of
the same trainings they are the same to the byte.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import a2d
from a2d.benchmark.table import CROISSANT, DESCRIPTION, PUBLISHED, PUBLISHED_LONGER
from a2d.errors import A2DError
from a2d.files import checksum, write_atomically, write_text
from a2d.runs.latencies import best_latencies, design_text
from a2d.study.bench.definition import Benchmark
from a2d.study.bench.journal import Entry, Journal

TABLE, LONGER = PUBLISHED.name, PUBLISHED_LONGER.name
LICENCE = "https://spdx.org/licenses/GPL-3.0-or-later.html"

# The names of Croissant 1.0 that are used here; its own reader insists on the language.
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "recordSet": "cr:recordSet",
    "field": "cr:field",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "repeated": "cr:repeated",
    "source": "cr:source",
    "fileObject": "cr:fileObject",
    "extract": "cr:extract",
    "column": "cr:column",
}

# Of every column: its type, Croissant's, and what it is.
COLUMNS: dict[str, tuple[pa.DataType, str, str]] = {
    "key": (pa.string(), "Text", "hash of all that the training depends on"),
    "architecture": (pa.string(), "Text", "every cell's operator, joined by -"),
    "task": (pa.string(), "Text", "a task and what teaches"),
    "seed": (pa.int32(), "Integer", "of the training"),
    "status": (pa.string(), "Text", "finished or diverged"),
    "steps": (pa.int32(), "Integer", "environment steps that were trained"),
    "returns": (pa.list_(pa.float32()), "Float", "unclipped returns of the test episodes"),
    "every": (pa.int32(), "Integer", "steps from one point of the curve to the next"),
    "curve": (pa.list_(pa.float32()), "Float", "mean return of the last training episodes"),
    "flops": (pa.int64(), "Integer", "of one decision; a multiply-accumulate counts as two"),
    "parameters": (pa.int64(), "Integer", "of the network, heads included"),
    "deployed_ms": (pa.float32(), "Float", "of one decision in ONNX Runtime; none if not measured"),
    "seconds": (pa.float32(), "Float", "of training, on one core of the processor"),
    "processor": (pa.string(), "Text", "that trained it"),
    "commit": (pa.string(), "Text", "of the code that trained it"),
    "modified": (pa.bool_(), "Boolean", "whether that code was changed since the commit"),
    "torch": (pa.string(), "Text", "version of PyTorch that trained it"),
}


def read_rows(benchmark: Benchmark, rows: Path) -> list[Entry]:
    """Return all trainings of the definition that have ended, in its order."""
    journals = (Journal(rows, group) for group in benchmark.groups())
    return [
        journal.entries[row.key]
        for journal in journals
        for row in journal.rows
        if row.key in journal.entries
    ]


def publish(benchmark: Benchmark, rows: Path, folder: Path) -> int:
    """Write the tables of all trainings so far, and their description; return how many they are.

    Raises:
        A2DError: there is none yet, or a file of theirs is damaged.
    """
    entries = read_rows(benchmark, rows)
    if not entries:
        raise A2DError(f"{rows}: holds no training of {benchmark.definition.title} yet")
    files, count = [_write(benchmark, entries, folder / TABLE)], len(entries)
    if benchmark.longer is not None:
        longer = read_rows(benchmark.longer, rows)
        if longer:
            files.append(_write(benchmark.longer, longer, folder / LONGER))
        count += len(longer)
    text = json.dumps(_croissant(benchmark, files), indent=1) + "\n"
    write_text(folder / CROISSANT, text)
    return count


def _write(benchmark: Benchmark, entries: list[Entry], path: Path) -> Path:
    content = _parquet(_rows(benchmark, entries, path.parent), _description(benchmark, entries))
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def _description(benchmark: Benchmark, entries: list[Entry]) -> dict[str, Any]:
    """Return what all rows share, which the table's reader needs."""
    definition = benchmark.definition
    return {
        "title": definition.title,
        "version": definition.version,
        "operators": definition.operators,
        "built": definition.space.model_dump(mode="json"),
        "tasks": {task: training.card for task, training in definition.tasks.items()},
        "seeds": definition.seeds,
        "steps": definition.steps,
        "every": min(entry.every for entry in entries),
    }


def _rows(benchmark: Benchmark, entries: list[Entry], folder: Path) -> list[dict[str, Any]]:
    """Return the table's rows: trainings with their networks' latencies, as far as measured."""
    measured = best_latencies(folder, set(benchmark.networks()))
    networks = () if measured is None else measured.networks
    deployed = {each.network: each.deployed.median_ms for each in networks}
    rows = []
    for entry in entries:
        design = benchmark.design(entry.architecture, entry.task)
        network = benchmark.cards[entry.task].name, design_text(design)
        rows.append({**entry.model_dump(), "deployed_ms": deployed.get(network)})
    return rows


def _parquet(rows: list[dict[str, Any]], description: dict[str, Any]) -> bytes:
    fields = [pa.field(name, kind) for name, (kind, _, _) in COLUMNS.items()]
    schema = pa.schema(fields, metadata={DESCRIPTION: json.dumps(description).encode()})
    table = pa.Table.from_pylist(rows, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _croissant(benchmark: Benchmark, files: list[Path]) -> dict[str, Any]:
    """Return the description of the published files, as JSON-LD of Croissant 1.0."""
    definition = benchmark.definition
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": definition.title,
        "description": definition.description,
        "version": f"{definition.version}.0.0",
        "license": LICENCE,
        "creator": {"@type": "sc:Organization", "name": "The A2D authors"},
        "softwareVersion": a2d.__version__,
        "distribution": [_file(path) for path in files],
        "recordSet": [_records(path) for path in files],
    }


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": "application/x-parquet",
        "sha256": checksum(path),
    }


def _records(path: Path) -> dict[str, Any]:
    name = path.stem
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": _fields(path)}


def _fields(path: Path) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:Field",
            "@id": f"{path.stem}/{name}",
            "name": name,
            "description": words,
            "dataType": f"sc:{kind}",
            "repeated": pa.types.is_list(stored),
            "source": {"fileObject": {"@id": path.name}, "extract": {"column": name}},
        }
        for name, (stored, kind, words) in COLUMNS.items()
    ]
