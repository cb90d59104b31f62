"""(d) What an image costs, and how much memory a run takes, as the number of images grows."""

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.harness import epochs, images
from benchmarks.harness.measurements import Measurement, of
from benchmarks.harness.workspace import Workspace
from benchmarks.speed.decoding import CACHE, start

TITLE = "Cost per image and memory as the number of images grows"
SMALLEST, LARGER = 2_500, (25_000, 250_000)
QUICK = 5_000  # the largest in a quick measurement
IMAGE_SIZE = 64  # pixels: the least that simple_cnn takes, so that 250,000 images take minutes
BYTES = IMAGE_SIZE**2 * 3 + 4096  # on disk per image: decoded, and its file in one block
TRAINED = (50_000, 10_000)  # images in several epochs, in a full and in a quick measurement
WARM_UP = 10  # batches of the first epoch that do not count
PIECES = 5  # stretches into which the batches are cut, as repeats
UNITS = {
    "building the cache": "µs/image",
    "training pass": "µs/image",
    "evaluation": "µs/image",
    "peak memory of a run": "GB",
    "peak memory of building": "GB",
}
REMARKS = (
    f"generated JPEG files of {IMAGE_SIZE} px, simple_cnn at {IMAGE_SIZE} px; the smallest number before and after",
    f"training without the first {WARM_UP} steps of a run and the first step of an epoch, evaluation without the first "
    "batch: their repeats are stretches of equal length; building with everything that belongs to it",
    "memory: of the process and its children, sampled five times a second; it counts touched pages of mapped files, "
    "which the kernel can take back at any time",
)

Figures = dict[str, list[float]]  # name -> repeats, in its unit


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """Each number of images once; the smallest again at the end, so that a change of load shows."""
    wanted = sizes(min(workspace.largest, QUICK) if workspace.quick else workspace.largest)
    fitting = [n for n in wanted if n * BYTES < 0.9 * shutil.disk_usage(workspace.folder).free]
    figures: defaultdict[int, list[Figures]] = defaultdict(list)
    for n in fitting if workspace.quick else [*fitting, SMALLEST]:
        figures[n].append(_figures(workspace, n))
    absent = ", ".join(f"{n:,}" for n in wanted if n not in fitting)
    return measurements(figures), [*REMARKS, *([f"left out for want of disk space: {absent}"] if absent else [])]


def sizes(largest: int) -> list[int]:
    """The numbers of images up to `largest`, which is the last."""
    return [SMALLEST, *sorted({n for n in (*LARGER, largest) if SMALLEST < n <= largest})]


def _figures(workspace: Workspace, n: int) -> Figures:
    root = images.generated(n, workspace.new_folder("generated"))
    built = start(workspace, root, repeats=3 if n == SMALLEST else 1, image_size=IMAGE_SIZE)
    count = max(1, min(8, TRAINED[workspace.quick] // n))
    words = ["model=simple_cnn", f"data.image_size={IMAGE_SIZE}", f"trainer.max_epochs={count}"]
    (decoding,) = built.events("decoding")
    trained = workspace.command(root, *words, cache=built.folder / CACHE)
    shutil.rmtree(root)
    shutil.rmtree(built.folder / CACHE)
    training = [
        cost
        for e, epoch in enumerate(trained.epochs)
        for cost in epochs.cost_per_image(epoch["steps"], skip=1 if e else WARM_UP, pieces=-(-PIECES // count))
    ]
    evaluated = max((e["batches"] for e in trained.events("predict")), key=lambda ends: sum(k for _, k in ends))
    evaluation = epochs.cost_per_image(evaluated, skip=1, pieces=PIECES)  # of all images
    return {
        "building the cache": [1e6 * seconds / n for seconds in decoding["seconds"]["building"]],
        "training pass": [1e6 * seconds for seconds in training],
        "evaluation": [1e6 * seconds for seconds in evaluation],
        "peak memory of a run": [trained.process.peak / 1e9],
        "peak memory of building": [built.process.peak / 1e9],
    }


def measurements(figures: Mapping[int, Sequence[Figures]]) -> list[Measurement]:
    """The figures of each number of images, and what the largest number makes of the smallest's."""
    found, largest = [], max(figures)
    for name, unit in UNITS.items():
        rows = {n: [value for each in figures[n] for value in each[name]] for n in sorted(figures)}
        found += [of(name, unit, values, subject=f"{n:,}") for n, values in rows.items()]
        if largest > SMALLEST and unit == "GB":
            more, target = max(rows[largest]) - min(rows[SMALLEST]), 1.5 if name == "peak memory of a run" else None
            label = f"{name}, above that at {SMALLEST:,}"
            found.append(of(label, unit, [more], subject=f"{largest:,}", at_most=target))
        elif largest > SMALLEST:
            shares = [value / median(rows[SMALLEST]) for value in rows[largest]]
            found.append(of(f"{name}: cost per image at {largest:,} / at {SMALLEST:,}", "x", shares, at_most=1.1))
    return found
