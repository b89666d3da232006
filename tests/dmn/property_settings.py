"""How many examples a property is tried with.

As a rule the same few hundred in every run. `MLC_PROPERTY_FACTOR=50 pytest tests/dmn -k properties` tries fifty times
as many, other ones in every run; an example that fails is printed with the line that reproduces it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("MLC_PROPERTY_FACTOR") or 1)


def examples(count: int) -> settings:
    """The settings of a property that is tried with `count` examples as a rule."""
    return settings(
        max_examples=count * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
