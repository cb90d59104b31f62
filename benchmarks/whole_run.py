"""(b) Our whole process and the usual pipeline's on the same images, with a cold and with a warm cache."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import epochs
from benchmarks.conditions import cores
from benchmarks.images import mean_bytes
from benchmarks.measurements import Measurement, at_least, of, ratio
from benchmarks.workplace import Seen, Workplace, conditions_of

TITLE = "The whole process and the usual pipeline (ImageFolder, DataLoader workers, float32, Lightning)"


@dataclass(frozen=True, kw_only=True)
class Network:
    """How a network is compared."""

    name: str
    epochs: int  # of the run that is compared
    steady: float  # targets: how many times as fast, epoch by epoch
    whole: float  # and as a whole process with a cold cache
    images: tuple[int, int]  # in a full and in a quick measurement
    repeats: int
    tried: int  # batches of the short epochs with which the number of workers is chosen


NETWORKS = (
    Network(name="simple_cnn", epochs=30, steady=3.5, whole=2.5, images=(1600, 400), repeats=3, tried=20),
    Network(name="resnet18", epochs=3, steady=3.0, whole=2.3, images=(1600, 100), repeats=2, tried=4),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One whole process."""

    steady: list[float]  # seconds of each epoch after the first
    whole: float  # seconds of the process with the full number of epochs
    start_and_end: float  # of these, what lies before and after the epochs


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Ours with a cold cache, the usual pipeline, ours with a warm cache, in turns; a quick one leaves out the last."""
    found: list[Measurement] = []
    remarks = [
        "an epoch lasts until the next one begins: training, validation, metrics, logs, checkpoints; the first epoch "
        "is left out; files are in the page cache throughout",
        "the usual process trains, validates, keeps checkpoints and logs, and tests the best one; ours also evaluates "
        "every image twice, writes predictions and draws its figures",
    ]
    for network in NETWORKS:
        measurements, said = _of_network(place, network)
        found += measurements
        remarks += said
    return found, remarks


def _of_network(place: Workplace, network: Network) -> tuple[list[Measurement], list[str]]:
    root = place.images(*network.images)
    scale = place.options.epochs_scale or (0.1 if place.options.quick else 0.2)
    run = min(network.epochs, max(2, round(network.epochs * scale)))
    speeds = _tried(place, network, root)
    workers = max(speeds, key=lambda count: speeds[count])
    caches = [place.new_folder("cache") for _ in range(place.options.times(network.repeats))]
    kinds = ("cold", "usual") if place.options.quick else ("cold", "usual", "warm")
    runs: dict[str, list[Run]] = {kind: [] for kind in kinds}
    seen: Seen | None = None
    for repeat, cold in enumerate(caches):
        for kind in kinds[:: 1 if repeat % 2 == 0 else -1]:
            if kind == "usual":
                process = usual(place, network, root, epochs_run=run, workers=workers)
            else:  # the first cold run leaves the cache that is warm ever after
                cache = cold if kind == "cold" else caches[0]
                process = seen = ours(place, network, root, epochs_run=run, cache=cache)
            runs[kind].append(as_full(process, network.epochs))
    assert seen is not None
    tried = ", ".join(f"{count}: {speed:.0f}" for count, speed in speeds.items())
    remarks = [f"{network.name}: images/s of the usual pipeline's training by number of workers: {tried}"]
    if run < network.epochs:
        remarks.append(
            f"{network.name}: {run} of {network.epochs} epochs were run; each process counts the others as its median "
            "steady epoch (--epochs-scale 1 runs them all)"
        )
    n, train = len(list(root.glob("*/*"))), epochs.images(seen.epochs[0])
    about = f"{n} images of {mean_bytes(root) / 1000:.0f} kB, batch {place.batch_size}, {conditions_of(seen.result)}"
    return _measurements(network, runs, about=about, train=train, workers=workers), remarks


def _measurements(
    network: Network, runs: dict[str, list[Run]], *, about: str, train: int, workers: int
) -> list[Measurement]:
    steady = {kind: [median(run.steady) for run in of_kind] for kind, of_kind in runs.items()}
    whole = {kind: [run.whole for run in of_kind] for kind, of_kind in runs.items()}
    fixed = {kind: [run.start_and_end for run in of_kind] for kind, of_kind in runs.items()}
    name, full = network.name, f"whole process of {network.epochs} epochs"
    shown = {"usual": f"usual pipeline, {workers} workers", "cold": "ours, cold cache", "warm": "ours, warm cache"}
    aims = {"cold": at_least(network.whole), "warm": None}
    speeds = {f"{shown['usual']}, epochs with validation": "usual", "ours, epochs with validation": "cold"}
    found = [
        ratio(
            "steady epochs, usual / ours",
            steady["usual"],
            steady["cold"],
            subject=name,
            target=at_least(network.steady),
            note=about,
        )
    ]
    for kind in [kind for kind in aims if kind in runs]:
        label = f"{full}, usual / {shown[kind]}"
        found.append(ratio(label, whole["usual"], whole[kind], subject=name, target=aims[kind]))
    found += [of(label, "images/s", [train / s for s in steady[kind]], subject=name) for label, kind in speeds.items()]
    found += [of(f"{full}, {shown[kind]}", "s", whole[kind], subject=name) for kind in runs]
    found += [of(f"of it outside the epochs, {shown[kind]}", "s", fixed[kind], subject=name) for kind in runs]
    return found


def as_full(seen: Seen, full: int) -> Run:
    """The process as if it had run `full` epochs: those that were not run take as long as its median steady one."""
    lengths = [epochs.whole(epoch) for epoch in seen.epochs]
    missing = (full - len(lengths)) * median(lengths[1:])
    seconds = seen.process.seconds
    return Run(steady=lengths[1:], whole=seconds + missing, start_and_end=seconds - sum(lengths))


def ours(place: Workplace, network: Network, root: Path, *, epochs_run: int, cache: Path) -> Seen:
    """Our command."""
    return place.train(
        "data=folder",
        f"data.root={root}",
        f"data.batch_size={place.batch_size}",
        f"model={network.name}",
        f"trainer.max_epochs={epochs_run}",
        cache=cache,
    )


def usual(place: Workplace, network: Network, root: Path, *, epochs_run: int, workers: int) -> Seen:
    """The usual pipeline's."""
    return _usual(place, network, root, "--epochs", str(epochs_run), "--workers", str(workers))


def _usual(place: Workplace, network: Network, root: Path, *words: str) -> Seen:
    folder = place.new_folder("usual")
    command = ["-m", "benchmarks.usual", str(root), "--model", network.name, "--folder", str(folder)]
    return place.look([*command, "--batch-size", str(place.batch_size), *words], folder=folder)


def _tried(place: Workplace, network: Network, root: Path) -> dict[int, float]:
    """Number of workers -> images per second in the second of two short epochs."""
    counts = [0, cores()] if place.options.quick else worker_counts(cores())
    words = ["--try-workers", *map(str, counts), "--batches", str(network.tried)]
    fits = _usual(place, network, root, *words).stages("fit")
    steady = [fit["epochs"][1] for fit in fits]
    return {
        count: epochs.images(epoch) / epochs.training_pass(epoch) for count, epoch in zip(counts, steady, strict=True)
    }


def worker_counts(available: int) -> list[int]:
    """Numbers of worker processes to try on a machine with so many cores."""
    doubled = [2**k for k in range(available.bit_length())]
    return sorted({0, available, *(count for count in doubled if count <= available)})
