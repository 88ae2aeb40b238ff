"""Holds schemas against their draft and outputs against their schemas, by the library jsonschema.

  python -m schemas_side.validate SCHEMAS OUTPUTS

OUTPUTS is a folder with a folder for each schema, called after it, of outputs that must be valid. Prints one JSON
object: `schemas`, by name the problem of each schema or null; `outputs`, by path the problems of each output;
`mutants`, by path how many of the ways to spoil an output were tried and which of them were not noticed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def parse(text: str) -> Any:
    """JSON as RFC 8259 has it: no NaN, no Infinity, each key once."""
    def constant(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in members}) != len(members):
            raise ValueError(f"a key twice among {[key for key, _ in members]}")
        return dict(members)

    return json.loads(text, parse_constant=constant, object_pairs_hook=pairs)


def schema_problem(schema: Any) -> str | None:
    if schema.get("$schema") != DRAFT:
        return f"expected the draft {DRAFT}, found {schema.get('$schema')}"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return None


def output_problems(validator: Draft202012Validator, text: str) -> list[str]:
    try:
        output = parse(text)
    except ValueError as error:
        return [str(error)]
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(output)]


def mutants(output: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Outputs that no schema may let pass: without one of their keys, or with another type there."""
    for key in output:
        yield f"without {key}", {k: v for k, v in output.items() if k != key}
        other = {"an": "object"} if isinstance(output[key], list) else [["a list"]]
        yield f"another {key}", {**output, key: other}
    yield "schemaVersion as text", {**output, "schemaVersion": str(output.get("schemaVersion"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schemas", type=Path)
    parser.add_argument("outputs", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {"schemas": {}, "outputs": {}, "mutants": {}}
    for path in sorted(options.schemas.glob("*.json")):
        schema = parse(path.read_text(encoding="utf-8"))
        found["schemas"][path.stem] = schema_problem(schema)
        if found["schemas"][path.stem]:
            continue
        validator = Draft202012Validator(schema)
        optional = set(schema.get("properties", {})) - set(schema.get("required", []))
        for output in sorted((options.outputs / path.stem).glob("*.json")):
            name = str(output.relative_to(options.outputs))
            text = output.read_text(encoding="utf-8")
            found["outputs"][name] = output_problems(validator, text)
            if found["outputs"][name]:
                continue
            tried = [(what, validator.is_valid(mutant)) for what, mutant in mutants(parse(text))
                     if what.removeprefix("without ") not in optional]
            found["mutants"][name] = {
                "tried": len(tried), "unnoticed": [what for what, passed in tried if passed]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
