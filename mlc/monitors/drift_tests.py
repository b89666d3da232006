"""The tests of drift: what each is called in a result, and which statistic it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import statistics
from .columns import Floats


@dataclass(frozen=True)
class DriftTest:
    """A test: what it is called in results, and of what it is made.

    Attributes:
        suffix: of the key of each column.
        of_numbers: made of two sorted samples, (n,) and (m,).
        of_shares: made of two distributions over the same categories; None where there is no such test.
    """

    name: str
    kind: str
    metric: str
    suffix: str
    of_numbers: Callable[[Floats, Floats, DriftSettings], float]
    of_shares: Callable[[Floats, Floats], float] | None = None

    @property
    def scalar(self) -> str:
        """The last part of the keys of its extremes, such as ``Epps-SingletonPValue``."""
        return self.name + "".join(part.capitalize() for part in self.metric.split("_"))

    @property
    def distance(self) -> bool:
        """Whether a large value tells of drift; of a p-value it is a small one."""
        return self.metric != "p_value"


@dataclass(frozen=True)
class DriftSettings:
    """What ModelOp takes by default as far as it is known, and limits.

    Attributes:
        points: at how many points Jensen-Shannon compares the densities of numbers; 0 for the shares in the buckets of
            Kullback-Leibler, which numbers with long tails need: their densities differ between any two samples.
        buckets: into how many Kullback-Leibler divides numbers, and by which ``ends``.
        max_categories: columns of more are not compared.
    """

    points: int = 100
    buckets: int = 5
    ends: statistics.Ends = "baseline"
    max_categories: int = 1_000
    decimals: int = 4


DEFAULTS = DriftSettings()


def _shares(baseline: Floats, sample: Floats, of: DriftSettings) -> tuple[Floats, Floats]:
    return statistics.shares(baseline, sample, of.buckets, of.ends)


def _densities(baseline: Floats, sample: Floats, of: DriftSettings) -> tuple[Floats, Floats]:
    return statistics.densities(baseline, sample, of.points) if of.points else _shares(baseline, sample, of)


TESTS = (
    DriftTest(
        "Epps-Singleton", "epps_singleton", "p_value", "_es_pvalue", lambda b, s, _: statistics.epps_singleton(b, s)
    ),
    DriftTest(
        "Jensen-Shannon",
        "jensen_shannon",
        "distance",
        "_js_distance",
        lambda b, s, of: statistics.jensen_shannon(*_densities(b, s, of)),
        statistics.jensen_shannon,
    ),
    DriftTest(
        "Kullback-Leibler",
        "kullback_leibler",
        "divergence",
        "_kl_divergence",
        lambda b, s, of: statistics.kullback_leibler(*_shares(b, s, of)),
        statistics.kullback_leibler,
    ),
    DriftTest(
        "Kolmogorov-Smirnov",
        "kolmogorov_smirnov",
        "p_value",
        "_ks_pvalue",
        lambda b, s, _: statistics.kolmogorov_smirnov(b, s),
    ),
)
