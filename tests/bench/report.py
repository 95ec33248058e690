"""How measurements are taken and told."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table. `measured` and `bar` have the same unit; `least` where more is better."""

    what: str
    measured: float
    bar: float
    unit: str
    least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """1 or less: met."""
        return self.bar / self.measured if self.least else self.measured / self.bar


def times(work: Callable[[], object], runs: int, warm: int = 2) -> list[float]:
    """Milliseconds that each of `runs` calls takes, after some that do not count."""
    for _ in range(warm):
        work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def median(taken: list[float]) -> float:
    return statistics.median(taken)


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20, method="inclusive")[-1]


def tell(title: str, rows: list[Row]) -> None:
    """Print one table."""
    print(f"\n{title}")
    print(f"  {'':<58} {'measured':>12} {'bar':>12} {'ratio':>6}")
    for row in rows:
        sign = "≥" if row.least else "≤"
        bar = f"{sign} {row.bar:,.4g} {row.unit}"
        said = "met" if row.ratio <= 1 else "MISSED"
        print(
            f"  {row.what:<58} {f'{row.measured:,.4g} {row.unit}':>12} {bar:>12} {row.ratio:6.2f}  {said}"
            + (f"  {row.note}" if row.note else ""),
            flush=True,
        )
