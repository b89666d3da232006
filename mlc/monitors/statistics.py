"""The statistics of drift: of two samples of numbers, or of two distributions over the same categories.

Up to ``SMALL`` numbers a side scipy computes the tests. Beyond, and for densities, the same formulas are computed here
from samples that are sorted once, in parts that fit into a cache and without Python's lock; tests hold them against
scipy.

Samples are (n,) and (m,), finite, sorted, and not empty.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import NotComparable

Floats = npt.NDArray[np.float64]
Ends = Literal["baseline", "both", "quantiles"]
SMALL = 10_000
"""Also the number up to which scipy's own choice for Kolmogorov-Smirnov is the exact p-value."""
SLOTS = 700
"""Into how many a kernel's reach on both sides is divided."""
FAR = 1e100
PART = 1 << 15
"""Numbers that are transformed at once."""
REACH = 7.0
"""Standard deviations of a kernel beyond which it counts as 0: it is below 3e-11 of its height there."""


def kolmogorov_smirnov(baseline: Floats, sample: Floats) -> float:
    """The p-value of the two-sided test of Kolmogorov and Smirnov, by ``scipy.stats.ks_2samp``. Proven.

    Beyond ``SMALL`` it is its asymptotic one: ``kstwo.sf(D, round(n m / (n + m)))`` with D the largest distance of the
    two cumulated distributions.
    """
    from scipy import stats

    n, m = len(baseline), len(sample)
    if max(n, m) <= SMALL:
        return float(stats.ks_2samp(baseline, sample).pvalue)
    distance = max(_above(baseline, sample), _above(sample, baseline))
    return float(np.clip(stats.kstwo.sf(distance, np.round(n * m / (n + m))), 0, 1))


def _above(one: Floats, other: Floats) -> float:
    """By how much the cumulated distribution of one is above that of the other, at most: at one of its own steps."""
    steps = np.arange(1, len(one) + 1, dtype=np.float64)
    steps /= len(one)
    steps -= np.searchsorted(other, one, side="right") / len(other)
    return float(steps.max())


def epps_singleton(baseline: Floats, sample: Floats) -> float:
    """The p-value of the test of Epps and Singleton, by ``scipy.stats.epps_singleton_2samp`` at t = 0.4 and 0.8.
    Proven.

    It compares the means of cos(t x / s) and sin(t x / s), where s is half of the distance of the quartiles of both
    samples together: n d' C**-1 d with d the difference of the means and C their covariance, by the chi-squared
    distribution.

    Raises:
        NotComparable: fewer than five numbers on a side, no distance between the quartiles, or fewer than five
            different numbers, so that C is singular (of two ModelOp gives null, too).
    """
    from scipy import stats

    if min(len(baseline), len(sample)) < 5:
        raise NotComparable("the test needs five numbers on each side")
    together = np.concatenate([baseline, sample])
    together.sort(kind="stable")  # which merges what is sorted
    if np.count_nonzero(together[1:] != together[:-1]) < 4:
        raise NotComparable("it has fewer than five different values, of which the test can tell nothing")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low, high = (np.float64(_quantile(together, share)) for share in (0.25, 0.75))
        scale = 0.4 / ((high - low) / 2)
    if not (low < high and 0 < scale < np.inf):
        raise NotComparable("the middle half of its values are the same, and the test is scaled by their distance")
    if max(len(baseline), len(sample)) <= SMALL:
        return float(stats.epps_singleton_2samp(baseline, sample).pvalue)
    n, m = len(baseline), len(sample)
    (mean, covariance), (mean_too, covariance_too) = _waves(baseline, scale), _waves(sample, scale)
    inverse = np.linalg.pinv((n + m) / n * covariance + (n + m) / m * covariance_too)
    apart = mean - mean_too
    return float(stats.chi2.sf((n + m) * apart @ inverse @ apart, np.linalg.matrix_rank(inverse)))


def _waves(values: Floats, scale: float) -> tuple[Floats, Floats]:
    """Mean, (4,), and covariance, (4, 4), of cos a, cos 2a, sin a and sin 2a with a = scale * value."""
    total, products = np.zeros(4), np.zeros((4, 4))
    for start in range(0, len(values), PART):
        angle = values[start : start + PART] * scale
        cosine, sine = np.cos(angle), np.sin(angle)
        waves = np.stack([cosine, 2 * cosine * cosine - 1, sine, 2 * sine * cosine])
        total += waves.sum(axis=1)
        products += waves @ waves.T
    mean = total / len(values)
    return mean, products / len(values) - np.outer(mean, mean)


def densities(baseline: Floats, sample: Floats, points: int) -> tuple[Floats, Floats]:
    """The densities of two samples of numbers at the same points, (points,) each, up to a factor that both have.

    Those of ``scipy.stats.gaussian_kde``, Gaussian kernels of the width std * n**(-1/5), at points in equal distance
    from the smallest to the largest number of both. Proven by ModelOp's published distances, which 100 to 105 points
    give; 100 are taken.

    Raises:
        NotComparable: the numbers of a side are all the same, or too far apart.
    """
    low, high = min(baseline[0], sample[0]), max(baseline[-1], sample[-1])
    with np.errstate(over="ignore"):
        if not 0 < high - low < np.inf:
            raise NotComparable("its values are all the same, or too far apart for a float")
    if not 1 / FAR < high - low < FAR:  # whose square no float holds
        return densities((baseline - low) / (high - low), (sample - low) / (high - low), points)
    at = np.linspace(low, high, points)
    return _density(baseline, at), _density(sample, at)


def _density(ordered: Floats, at: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        width = float(np.std(ordered, ddof=1) * len(ordered) ** -0.2) if len(ordered) > 1 else 0.0
        if not 0 < 1 / np.float64(width) < np.inf or ordered[0] == ordered[-1]:
            raise NotComparable("the values of one side are all the same, or nearly, and have no density")
        heights = _sums if len(ordered) <= SMALL else _sums_of_slots
        return np.asarray(heights(ordered, at, width) / (len(ordered) * width * np.sqrt(2 * np.pi)))


def _sums(ordered: Floats, at: Floats, width: float) -> Floats:
    """Sums of kernels of the height 1, (points,)."""
    starts = np.searchsorted(ordered, at - REACH * width, side="left")
    ends = np.searchsorted(ordered, at + REACH * width, side="right")
    away = [(ordered[start:end] - point) / width for point, start, end in zip(at, starts, ends, strict=True)]
    return np.array([np.exp(each * each * -0.5).sum() for each in away])


def _sums_of_slots(ordered: Floats, at: Floats, width: float) -> Floats:
    """The same, where all numbers within a fiftieth of a kernel's width count at their mean: right to about 1e-5 of
    it.
    """
    sides = np.linspace(-REACH * width, REACH * width, SLOTS + 1)
    below = np.searchsorted(ordered, at[:, None] + sides)
    centre = ordered[len(ordered) // 2]
    summed = np.concatenate([[0.0], np.cumsum(ordered - centre)])
    counts = np.diff(below, axis=1)
    means = centre + np.diff(summed[below], axis=1) / np.maximum(counts, 1)
    away = (means - at[:, None]) / width
    return np.asarray((counts * np.exp(away * away * -0.5)).sum(axis=1))


def shares(baseline: Floats, sample: Floats, buckets: int, ends: Ends = "baseline") -> tuple[Floats, Floats]:
    """The shares of two samples of numbers in buckets, (buckets,) each.

    A bucket has its lower end, and the first and the last one all that is beyond. Proven by ModelOp's published
    divergences: equal width, and five buckets unless asked otherwise. Not proven: ``ends``, since in what is published
    the baseline has the range of both. Of the baseline, since one number of the sample that is far away would put all
    others into one bucket, and hide how they have moved. Where the baseline is one number it is the range of both.

    Args:
        ends: of equal width over the range of the baseline or of both; or at the baseline's lower quantiles, which
            outliers don't move.

    Raises:
        NotComparable: the numbers are too far apart.
    """
    low, high = baseline[0], baseline[-1]
    if ends == "quantiles" and low < high:
        places = (np.arange(1, buckets) / buckets * (len(baseline) - 1)).astype(np.int64)
        cuts = np.nextafter(np.unique(baseline[places]), np.inf)  # the quantile itself belongs to the lower one
        return _shares(baseline, cuts), _shares(sample, cuts)
    if ends == "both" or low == high:
        low, high = min(low, sample[0]), max(high, sample[-1])
    with np.errstate(over="ignore"):
        if not np.isfinite(high - low):
            raise NotComparable("its values are too far apart for a float")
    cuts = np.unique(np.linspace(low, high, buckets + 1))[1:-1]
    return _shares(baseline, cuts), _shares(sample, cuts)


def _shares(ordered: Floats, cuts: Floats) -> Floats:
    below = np.searchsorted(ordered, cuts, side="left")
    return np.diff(below, prepend=0, append=len(ordered)) / len(ordered)


def jensen_shannon(baseline: Floats, sample: Floats) -> float:
    """The distance of Jensen and Shannon, by ``scipy.spatial.distance.jensenshannon`` with the natural logarithm.

    The root of (KL(p, (p+q)/2) + KL(q, (p+q)/2)) / 2: from 0 to 0.8326. Proven.

    Args:
        baseline, sample: p and q, (k,), not negative; each is divided by its sum.

    Raises:
        NotComparable: one is 0 everywhere, as densities are between the points.
    """
    from scipy.spatial.distance import jensenshannon

    if not (0 < baseline.sum() < np.inf and 0 < sample.sum() < np.inf):
        raise NotComparable("its values lie so far apart that no point is near those of one side")
    with np.errstate(invalid="ignore", under="ignore"):
        found = float(jensenshannon(baseline, sample))
    return 0.0 if np.isnan(found) else found  # of two that are nearly the same, a root of less than nothing


def kullback_leibler(baseline: Floats, sample: Floats) -> float:
    """The divergence of Kullback and Leibler, by ``scipy.stats.entropy``: sum(p * ln(p / q)), p the baseline's shares.

    It is infinite where the sample lacks a category of the baseline's; then it is that of the baseline from the
    sample, sum(q * ln(q / p)). Proven by six published figures.

    Args:
        baseline, sample: p and q, (k,), shares that add up to 1.

    Raises:
        NotComparable: each lacks one of the other's, so that both are infinite. Not proven: ModelOp has not published
        any.
    """
    from scipy import stats

    for one, other in ((baseline, sample), (sample, baseline)):
        found = float(stats.entropy(one, other))
        if np.isfinite(found):
            return found
    raise NotComparable("baseline and sample both have values where the other has none, so that it is infinite")


def summary(ordered: Floats, decimals: int) -> dict[str, float | None]:
    """What ``pandas.Series.describe`` tells of numbers. Proven.

    Returns:
        Count, mean, standard deviation (of a sample), extremes and quartiles by linear interpolation; null where there
        is none.
    """
    count = len(ordered)
    with np.errstate(over="ignore", invalid="ignore"):
        found: dict[str, Any] = {
            "count": float(count),
            "mean": ordered.mean(),
            "std": ordered.std(ddof=1) if count > 1 else np.nan,
            "min": ordered[0],
            **{f"{share}%": _quantile(ordered, share / 100) for share in (25, 50, 75)},
            "max": ordered[-1],
        }
    return {key: round(float(value), decimals) + 0.0 if np.isfinite(value) else None for key, value in found.items()}


def _quantile(ordered: Floats, share: float) -> float:
    place = share * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return float(ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower))
