"""Customers that stay or leave, made up by a fixed rule, and a model's weights for them."""

import math
import random
from collections.abc import Sequence
from typing import Any

SEED = 20260401
ROWS = {"train.csv": 240, "test.csv": 120}
FEATURES = ("visits", "complaints", "months")
LABEL, SCORE = "leaves", "score"
STEPS, RATE = 400, 0.5

Row = dict[str, Any]


def customers() -> dict[str, list[Row]]:
    """The same rows each time, by file."""
    chance = random.Random(SEED)  # noqa: S311 - an example's data, no secret
    return {name: [_customer(chance) for _ in range(count)] for name, count in ROWS.items()}


def _customer(chance: random.Random) -> Row:
    visits, complaints, months = chance.randint(0, 12), chance.randint(0, 5), chance.randint(1, 60)
    leaning = 1.2 * complaints - 0.5 * visits - 0.03 * months + 1.5 + chance.gauss(0, 0.8)
    return {"visits": visits, "complaints": complaints, "months": months, LABEL: int(leaning > 0)}


def trained(rows: Sequence[Row]) -> dict[str, Any]:
    """A logistic regression on scaled features, as the starter's own ``train`` function does it."""
    means = {name: sum(row[name] for row in rows) / len(rows) for name in FEATURES}
    spreads = {name: math.sqrt(sum((row[name] - means[name]) ** 2 for row in rows) / len(rows)) for name in FEATURES}
    scaled = [[1.0, *((row[name] - means[name]) / spreads[name] for name in FEATURES)] for row in rows]
    weights = [0.0] * (len(FEATURES) + 1)
    for _ in range(STEPS):
        errors = [
            1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, xs, strict=True)))) - row[LABEL]
            for xs, row in zip(scaled, rows, strict=True)
        ]
        for i in range(len(weights)):
            weights[i] -= RATE * sum(e * xs[i] for e, xs in zip(errors, scaled, strict=True)) / len(rows)
    of = {
        name: {"weight": round(weight, 6), "mean": round(means[name], 6), "spread": round(spreads[name], 6)}
        for name, weight in zip(FEATURES, weights[1:], strict=True)
    }
    return {"intercept": round(weights[0], 6), "features": of}


def scored(rows: Sequence[Row], weights: Row) -> list[Row]:
    """The rows with the model's answer beside the label: what monitors compare."""
    return [{**row, SCORE: answer(row, weights)} for row in rows]


def answer(row: Row, weights: Row) -> int:
    """1 if a customer leaves, as the model sees it."""
    total = weights["intercept"]
    for name, of in weights["features"].items():
        total += of["weight"] * (row[name] - of["mean"]) / of["spread"]
    return int(total > 0)
