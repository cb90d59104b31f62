"""(d) What an image costs, and how much memory a run takes, as the number of images grows."""

import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks import epochs, images
from benchmarks.decoding import CACHE, start, times
from benchmarks.measurements import Measurement, at_most, of
from benchmarks.workplace import Seen, Workplace

TITLE = "Cost per image and memory as the number of images grows"
SMALLEST, LARGER = 2_500, (25_000, 250_000)
QUICK = 5_000  # the largest in a quick measurement
IMAGE_SIZE = 64  # pixels: the least that simple_cnn takes, so that 250,000 images take minutes
BYTES = IMAGE_SIZE**2 * 3 + 4096  # on disk per image: decoded, and its file in one block
TRAINED = (50_000, 10_000)  # images in several epochs, in a full and in a quick measurement
WARM_UP = 10  # batches of the first epoch that do not count
PIECES = 5  # stretches into which the batches are cut, as repeats
STEPS = ("building the cache", "training pass", "evaluation")
GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Grown:
    """What was seen at one number of images."""

    costs: dict[str, list[float]]  # step -> seconds per image
    start: float  # seconds from the start of the process to the first training step
    end: float  # seconds after the last epoch
    peak: int  # bytes of the training process, mapped files' touched pages included
    building_peak: int  # bytes of the process that builds the cache
    anonymous: int | None  # bytes of the training process that belong to no file


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Each number of images once; the smallest again at the end, so that a change of load shows."""
    largest = min(place.options.largest, QUICK) if place.options.quick else place.options.largest
    wanted = sizes(largest)
    fitting = [n for n in wanted if n * BYTES < 0.9 * shutil.disk_usage(place.folder).free]
    grown: defaultdict[int, list[Grown]] = defaultdict(list)
    for n in fitting if place.options.quick else [*fitting, SMALLEST]:
        grown[n].append(_grown(place, n))
    remarks = [
        f"generated JPEG files of {IMAGE_SIZE} px, simple_cnn at {IMAGE_SIZE} px; the smallest number before and after",
        f"training without the first {WARM_UP} steps of a run and the first step of an epoch, evaluation without the "
        "first batch: their repeats are stretches of equal length; building with everything that belongs to it",
        "memory: the peak is the kernel's for the whole process and counts touched pages of mapped files, which the "
        "kernel can take back at any time; anonymous memory belongs to no file",
    ]
    if fitting != wanted:
        remarks.append(f"left out for want of disk space: {', '.join(f'{n:,}' for n in wanted if n not in fitting)}")
    return _measurements(grown), remarks


def sizes(largest: int) -> list[int]:
    """The numbers of images up to `largest`, which is the last."""
    return [SMALLEST, *sorted({n for n in (*LARGER, largest) if SMALLEST < n <= largest})]


def _grown(place: Workplace, n: int) -> Grown:
    root = images.generated(n, place.new_folder("generated"))
    built = start(place, root, "--keep", repeats=3 if n == SMALLEST else 1, image_size=IMAGE_SIZE)
    try:
        return _trained(place, root, built, n=n)
    finally:
        shutil.rmtree(root)
        shutil.rmtree(built.folder / CACHE)


def _trained(place: Workplace, root: Path, built: Seen, *, n: int) -> Grown:
    overrides = ["data=folder", f"data.root={root}", f"data.image_size={IMAGE_SIZE}", "model=simple_cnn"]
    count = max(1, min(8, TRAINED[place.options.quick] // n))
    seen = place.train(*overrides, f"trainer.max_epochs={count}", cache=built.folder / CACHE)
    training = [
        cost
        for e, epoch in enumerate(seen.epochs)
        for cost in epochs.cost_per_image(epoch["steps"], skip=1 if e else WARM_UP, pieces=-(-PIECES // count))
    ]
    evaluated = max(seen.stages("predict"), key=lambda mark: sum(k for _, k in mark["batches"]))  # all images
    process = seen.process
    return Grown(
        costs={
            "building the cache": [seconds / n for seconds in times(built.process.output)["building"]],
            "training pass": training,
            "evaluation": epochs.cost_per_image(evaluated["batches"], skip=1, pieces=PIECES),
        },
        start=seen.epochs[0]["first_step"] - process.started,
        end=process.started + process.seconds - seen.epochs[-1]["over"],
        peak=process.peak,
        building_peak=built.process.peak,
        anonymous=process.anonymous,
    )


def _measurements(grown: dict[int, list[Grown]]) -> list[Measurement]:
    largest = max(grown)
    found = []
    for step in STEPS:
        costs = {n: [cost for one in of_n for cost in one.costs[step]] for n, of_n in grown.items()}
        middle = {n: of(step, "s", values).value for n, values in costs.items()}
        if largest > SMALLEST:
            name = f"{step}: cost per image at {largest:,} / at {SMALLEST:,}"
            shares = [cost / middle[SMALLEST] for cost in costs[largest]]
            found.append(of(name, "x", shares, target=at_most(1.1)))
        found += [of(step, "µs/image", [1e6 * c for c in costs[n]], subject=f"{n:,}") for n in sorted(costs)]
    for name, attribute in (("from process start to the first step", "start"), ("after the last epoch", "end")):
        found += [of(name, "s", [getattr(one, attribute) for one in grown[n]], subject=f"{n:,}") for n in sorted(grown)]
    return found + _memory(grown, largest)


def _memory(grown: dict[int, list[Grown]], largest: int) -> list[Measurement]:
    found = []
    kinds = (
        ("peak memory of a run", "peak"),
        ("anonymous memory of a run", "anonymous"),
        ("peak memory of building", "building_peak"),
    )
    for name, attribute in kinds:
        read = {n: [getattr(one, attribute) for one in of_n] for n, of_n in grown.items()}
        rows = {n: [value / GB for value in values if value is not None] for n, values in read.items()}
        if not all(rows.values()):
            continue  # a system without /proc
        found += [of(name, "GB", rows[n], subject=f"{n:,}") for n in sorted(rows)]
        if largest > SMALLEST:
            more = max(rows[largest]) - min(rows[SMALLEST])
            target = at_most(1.5) if attribute == "peak" else None
            found.append(of(f"{name}, above that at {SMALLEST:,}", "GB", [more], subject=f"{largest:,}", target=target))
    return found
