"""A pairwise coverage table: which combinations of Adagrad's options are recorded.

A factor is one option, a level one way to use it. `covering_rows` chooses rows, one level of each
factor in each, such that every pair of levels of two different factors stands together in at least
one row, unless Keras itself refuses the pair or gets it wrong (`forbidden`). The choice is greedy
and deterministic; `uncovered` checks it without knowing how it was made.

    python -m keras_side.trace_coverage        prints the tables and what they cover
"""

from __future__ import annotations

from itertools import combinations, product
from typing import Iterable, Iterator, Mapping

KERAS2 = "keras2"
KERAS3 = "keras3"

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]

SHARED_FACTORS: dict[str, tuple[str, ...]] = {
    "rate": ("constant", "set_midway", "exponential", "inverse_time", "polynomial", "piecewise",
             "cosine", "restarts"),
    "clip": ("none", "clipnorm", "clipnorm_inactive", "clipvalue", "clipvalue_inactive",
             "global", "global_inactive"),
    "weight_decay": ("none", "zero", "all", "not_by_variable", "not_by_pattern"),
    "average": ("none", "no_overwrite", "overwrite_1", "overwrite_3"),
    "gradients": ("dense", "absent_first", "absent_middle", "absent_last", "rows", "mixed",
                  "mixed_absent"),
    "dtype": ("float32", "float64", "float16", "bfloat16"),
    "values": ("ordinary", "nan", "infinite", "overflow"),
    "counter": ("zero", "thousand"),
    "size": ("small", "large"),
    "start": ("default", "zero", "large_epsilon"),
}
"""In each factor the first level is compatible with every level of every other factor."""

EXTRA_LEVELS: dict[str, dict[str, tuple[str, ...]]] = {
    KERAS2: {"clip": ("clipnorm_and_value", "global_and_value")},
    KERAS3: {"rate": ("cosine_warmup",), "accumulation": ("none", "two", "three"),
             "loss_scale": ("none", "power_of_two", "three")},
}

ROW_INDEXED = ("rows", "mixed", "mixed_absent")


def factors(arithmetic: str) -> dict[str, tuple[str, ...]]:
    """The factors and levels of a generation."""
    extra = EXTRA_LEVELS[arithmetic]
    names = dict.fromkeys((*SHARED_FACTORS, *extra))
    return {name: SHARED_FACTORS.get(name, ()) + extra.get(name, ()) for name in names}


def forbidden(arithmetic: str, row: Mapping[str, str]) -> str | None:
    """Why this (part of a) row is left out, or None if it is recorded."""
    gradients, average = row.get("gradients"), row.get("average")
    if arithmetic == KERAS2 and average not in (None, "none"):
        if gradients in ("absent_first", "absent_middle", "mixed_absent"):
            return "Keras 2.12 pairs averages with variables by position"
        if average != "no_overwrite" and gradients == "absent_last":
            return "Keras 2.12 cannot overwrite when a gradient is absent"
    if row.get("loss_scale") not in (None, "none") and gradients in ROW_INDEXED:
        return "Keras 3.15 cannot divide row-indexed gradients by loss_scale_factor"
    clip, values = row.get("clip"), row.get("values")
    if (arithmetic == KERAS3 and gradients in ROW_INDEXED and row.get("accumulation") == "none"
            and clip not in (None, "global", "global_inactive")
            and (values == "nan" or values == "infinite" and clip.startswith("clipnorm"))):
        return ("Keras 3.15 gives rows each other's gradients, or fails, once an accumulator of "
                "a row-indexed variable holds NaN")
    return None


def pairs(row: Mapping[str, str]) -> Iterator[Pair]:
    """The pairs of levels that stand together in `row`."""
    yield from combinations(row.items(), 2)


def legal_pairs(arithmetic: str) -> list[Pair]:
    """Every pair that a row may contain."""
    return [((first, a), (second, b))
            for (first, levels), (second, others) in combinations(factors(arithmetic).items(), 2)
            for a, b in product(levels, others)
            if forbidden(arithmetic, {first: a, second: b}) is None]


def uncovered(arithmetic: str, rows: Iterable[Row]) -> list[Pair]:
    """The legal pairs that no row contains."""
    covered = {pair for row in rows for pair in pairs(row)}
    return [pair for pair in legal_pairs(arithmetic) if pair not in covered]


def covering_rows(arithmetic: str) -> list[Row]:
    """Rows that contain every legal pair."""
    rows: list[Row] = []
    missing = dict.fromkeys(legal_pairs(arithmetic))
    while missing:
        row = _filled(arithmetic, dict(next(iter(missing))), missing, len(rows))
        for pair in pairs(row):
            missing.pop(pair, None)
        rows.append(row)
    wrong = [row for row in rows if forbidden(arithmetic, row)]
    left = uncovered(arithmetic, rows)
    if wrong or left:
        raise AssertionError(f"{arithmetic}: forbidden rows {wrong}, uncovered pairs {left}")
    return rows


def _filled(arithmetic: str, seed: Row, missing: Mapping[Pair, None], turn: int) -> Row:
    """`seed` with a level for every factor, each the one that covers most missing pairs with those
    already chosen; among equals the choice rotates, so that no level is preferred."""
    table = factors(arithmetic)
    chosen = dict(seed)
    for name in sorted(table, key=lambda name: -len(table[name])):
        if name in chosen:
            continue
        levels = table[name]
        rotated = [levels[(turn + offset) % len(levels)] for offset in range(len(levels))]
        allowed = [level for level in rotated
                   if forbidden(arithmetic, {**chosen, name: level}) is None]
        chosen[name] = max(allowed, key=lambda level: sum(
            _ordered(table, (name, level), other) in missing for other in chosen.items()))
    return {name: chosen[name] for name in table}


def _ordered(table: Mapping[str, tuple[str, ...]], first: tuple[str, str],
             second: tuple[str, str]) -> Pair:
    names = list(table)
    if names.index(first[0]) < names.index(second[0]):
        return first, second
    return second, first


def main() -> None:
    for arithmetic in (KERAS2, KERAS3):
        rows = covering_rows(arithmetic)
        print(f"{arithmetic}: {len(rows)} rows cover {len(legal_pairs(arithmetic))} pairs")
        for row in rows:
            print("  " + " ".join(f"{name}={level}" for name, level in row.items()))


if __name__ == "__main__":
    main()
