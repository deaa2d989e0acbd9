"""Numbers, units, durations and times of day in words: the one place for them, for console, terminal and charts."""

import math
from datetime import datetime

from engine.units import size as size


def rounded(value: float) -> str:
    """Four significant digits, thousands grouped, powers of ten only where a number is long without them."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:.2e}"


def number(value: float | int | None) -> str:
    """A metric or a count as charts write it, four significant digits; `–` where there is none."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else rounded(value)


def signed(value: float | None) -> str:
    """A change with its sign always written (a true minus), three significant digits."""
    if value is None or math.isnan(value):
        return "–" if value is None else "nan"
    size = abs(value)
    text = f"{size:,.0f}" if 1000 <= size < 1e6 else f"{size:.2e}" if 1e6 <= size < math.inf else f"{size:.3g}"
    return text if value == 0 else f"{'+' if value > 0 else '−'}{text}"


def percent(value: float | None) -> str:
    """A signed percentage: `+24.1 %`, `nan`, `+inf %`; `–` for a missing one."""
    return "–" if value is None else "nan" if math.isnan(value) else f"{signed(value)} %"


def duration(seconds: float | None) -> str:
    """`0.3 s`, `18 s`, `2 min 41 s`, `3 h 07 min`, `2 d 4 h`; `–` when it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def dose_words(method: str, level: float | None) -> str:
    """A method with its level: `mult_gauss σ 0.4`; a method this version does not know keeps its bare level."""
    if level is None:
        return method
    from engine import catalog

    known = catalog.methods().get(method)
    symbol = f"{known.level.symbol} " if known and known.level else ""
    return f"{method} {symbol}{level:g}"


def counted(number: int, noun: str) -> str:
    """ "1 seed", "12 seeds", "1,200 seeds"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clock(seconds: float) -> str:
    """A unix time as the local time of day; dashes where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "--:--:--"
