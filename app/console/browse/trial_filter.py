"""What the filter line of the Browse screen means: words to look for, and comparisons such as `level>=0.4`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from app.console.browse.run_data import RunData

_COMPARISON = re.compile(r"^([\w.#]+?)(<=|>=|!=|=|<|>)(.+)$")
_OPERATORS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "=": "equal", "!=": "not_equal"}


def select(data: RunData, text: str) -> pa.Array:
    """Places of the rows that every term of `text` fits; a term that compares no column is a word to look for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = pa.array([True] * data.table.num_rows, pa.bool_())
    for term in text.lower().split():
        match = _COMPARISON.match(term)
        column = match and _column(data.table, match[1])
        if match and column:
            fits = _compare(data.table[column], match[2], match[3])
        else:
            fits = pc.match_substring(data.haystack, term)
        kept = pc.and_(kept, pc.fill_null(fits, False))
    return pc.indices_nonzero(kept)


def order(table: pa.Table, places: pa.Array, column: str | None, descending: bool) -> pa.Array:
    """`places` sorted by a column, ties in the order they came in; NaN and missing values always last."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None:
        return places
    keyed = pa.table({"value": table[column].take(places), "place": places})
    keys = [("value", "descending" if descending else "ascending"), ("place", "ascending")]
    return places.take(pc.sort_indices(keyed, sort_keys=keys))


def _column(table: pa.Table, name: str) -> str | None:
    """The column a term names: in full, or by a beginning that only one column has."""
    names = [column for column in table.column_names if column.lower().startswith(name)]
    exact = [column for column in names if column.lower() == name]
    return exact[0] if exact else names[0] if len(names) == 1 else None


def _compare(values: Any, operator: str, operand: str) -> Any:
    """A mask of the rows that fit. Words are compared in small letters; `=nan` finds NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(values.type):
        return getattr(pc, _OPERATORS[operator])(pc.utf8_lower(values), operand).combine_chunks()
    try:
        number = float(operand)
    except ValueError:
        return pa.array([False] * len(values), pa.bool_())
    if number != number and operator in ("=", "!="):
        undefined = pc.is_nan(pc.cast(values, pa.float64()))
        return (undefined if operator == "=" else pc.invert(undefined)).combine_chunks()
    return getattr(pc, _OPERATORS[operator])(pc.cast(values, pa.float64()), number).combine_chunks()
