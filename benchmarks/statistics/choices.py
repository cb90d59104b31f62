"""How often P(one training beats another) is covered, and how far off the best of several arms is, by simulation."""

import numpy as np
from scipy import special

from animal_cls.statistics import choosing_bias, p_beats
from benchmarks.harness.tables import table

DRAWS = 2000  # of each cell
SIZES = ((2, 2), (3, 3), (5, 5), (10, 10), (5, 2), (10, 3))
CHANCES = (0.5, 0.75, 0.95)
ARMS = 8


def chosen_tables() -> dict[str, list[str]]:
    """Title -> table; they take a minute and are made anew each time."""
    head = ["runs", "spread of the arm's", *(f"P = {p:g}" for p in CHANCES)]
    rows = [[f"{a} and {b}", f"{r:g}", *beats_coverage((a, b), r)] for a, b in SIZES for r in (1.0, 4.0, 0.25)]
    error = 100 * (0.05 * 0.95 / DRAWS) ** 0.5
    worlds = {"eight equal arms": np.zeros(ARMS)}
    worlds |= {f"one better by {d:g} errors": np.eye(ARMS)[0] * d for d in (1.0, 2.0, 4.0)}
    worlds |= {"four better by 2 errors": np.repeat([0.0, 2.0], ARMS // 2)}
    return {
        f"P(one training beats another): coverage, percent (mean width); standard error {error:.1f}": table(head, rows),
        "The highest of eight arms: bias / root mean square error of its estimate, in errors of one arm": table(
            ["truth", "as found", "less the bias of choosing", "drawn to the mean of all"],
            [[name, *chosen(truths)] for name, truths in worlds.items()],
        ),
    }


def beats_coverage(sizes: tuple[int, int], ratio: float, *, seed: int = 0) -> list[str]:
    """For each chance, of normal runs of which the arm's spread `ratio` times as much, rounded to an image of 500."""
    rng, cells = np.random.default_rng(seed), []
    for chance in CHANCES:
        shift = special.ndtri(chance) * (1 + ratio**2) ** 0.5
        a, b = rng.normal(shift, ratio, (DRAWS, sizes[0])), rng.normal(size=(DRAWS, sizes[1]))
        found = [p_beats(np.round(5 * x) / 5, np.round(5 * y) / 5) for x, y in zip(a, b, strict=True)]
        hits = np.mean([one.low <= chance <= one.high for one in found])
        cells.append(f"{100 * hits:.1f} ({np.mean([one.high - one.low for one in found]):.2f})")
    return cells


def chosen(truths: np.ndarray, *, shared: float = 0.8, seed: int = 0) -> list[str]:
    """Bias / error of the three estimates, with a shared baseline whose error is `shared` times an arm's own."""
    rng, misses = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        found = truths + rng.normal(size=ARMS) + shared * rng.normal()
        best = found.argmax()
        between = max(found.var(ddof=1) - 1, 0.0)  # the variance of the arms without their errors'
        drawn = found.mean() + between / (between + 1) * (found[best] - found.mean())
        less = found[best] - choosing_bias(found, np.ones(ARMS), draws=300)
        misses.append(np.array([found[best], less, drawn]) - truths[best])
    return [f"{column.mean():+.2f} / {(column**2).mean() ** 0.5:.2f}" for column in np.transpose(misses)]
