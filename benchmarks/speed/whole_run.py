"""(b) Our whole process, from a cold cache, and the ImageFolder baseline's on the same images."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.harness import epochs
from benchmarks.harness.conditions import cores
from benchmarks.harness.images import mean_bytes
from benchmarks.harness.measurements import Measurement, of, ratio
from benchmarks.harness.workspace import NETWORKS, Trace, Workspace

TITLE = "The whole process and the usual pipeline (ImageFolder, DataLoader workers, float32, Lightning)"
REMARKS = (
    "an epoch lasts until the next one begins: training, validation, metrics, logs, checkpoints; the first epoch is "
    "left out; files are in the page cache throughout",
    "the usual process trains, validates, keeps checkpoints and logs, and tests the best one; ours also decodes and "
    "keeps the images, evaluates every image twice, writes predictions and draws its figures",
)


EPOCHS = {"simple_cnn": 30, "resnet18": 3}  # of the run that is compared
EPOCHS_RUN = {"simple_cnn": (6, 3), "resnet18": (2, 2)}  # of these, in a full and in a quick measurement
IMAGES = {"simple_cnn": (1600, 400), "resnet18": (1600, 100)}
REPEATS = {"simple_cnn": 3, "resnet18": 2}
BATCHES = {"simple_cnn": 20, "resnet18": 4}  # of the short epochs with which the number of workers is chosen
STEADY = {"simple_cnn": 3.5, "resnet18": 3.0}  # targets: how many times as fast, epoch by epoch
WHOLE = {"simple_cnn": 2.5, "resnet18": 2.3}  # and as a whole process


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """Ours and the baseline in turns."""
    compared = [_compared(workspace, network) for network in NETWORKS]
    return [m for some, _ in compared for m in some], [*REMARKS, *(remark for _, some in compared for remark in some)]


def _compared(workspace: Workspace, network: str) -> tuple[list[Measurement], list[str]]:
    root = workspace.images(*IMAGES[network])
    count = EPOCHS_RUN[network][workspace.quick]
    speeds = _speeds_by_workers(workspace, network, root)
    workers = max(speeds, key=lambda number: speeds[number])
    ours, usual = [], []
    for _ in range(workspace.times(REPEATS[network])):
        ours.append(workspace.train(network, root, epochs=count, cache=workspace.new_folder("cache")))
        usual.append(_baseline(workspace, network, root, epochs=count, workers=workers))
    n, size = len(list(root.glob("*/*"))), mean_bytes(root) / 1000
    note = f"{n} images of {size:.0f} kB, batch {workspace.batch_size}, {ours[0].conditions}"
    tried = ", ".join(f"{number}: {speed:.0f}" for number, speed in speeds.items())
    return _measurements(network, ours, usual, note=note, workers=workers), [
        f"{network}: images/s of the usual pipeline's training by number of workers: {tried}",
        f"{network}: {count} of {EPOCHS[network]} epochs were run; each process counts the others as its median "
        "steady epoch",
    ]


def _measurements(
    network: str, ours: Sequence[Trace], usual: Sequence[Trace], *, note: str, workers: int
) -> list[Measurement]:
    train = epochs.images(ours[0].epochs[0])
    runs = [[as_full(trace, EPOCHS[network]) for trace in traces] for traces in (usual, ours)]
    steady, whole, outside = ([[run[k] for run in of_kind] for of_kind in runs] for k in range(3))
    label, about = f"whole process of {EPOCHS[network]} epochs", {"subject": network}
    found = [
        ratio("steady epochs, usual / ours", *steady, at_least=STEADY[network], note=note, **about),
        ratio(f"{label}, usual / ours, cold cache", *whole, at_least=WHOLE[network], **about),
    ]
    for k, name in enumerate((f"usual pipeline, {workers} workers", "ours")):
        found += [
            of(f"{name}, epochs with validation", "images/s", [train / seconds for seconds in steady[k]], **about),
            of(f"{label}, {name}", "s", whole[k], **about),
            of(f"of it outside the epochs, {name}", "s", outside[k], **about),
        ]
    return found


def as_full(trace: Trace, full: int) -> tuple[float, float, float]:
    """Seconds of the median epoch after the first, of the process, and of what of it lies outside the epochs.

    As if it had run `full` epochs: those that were not run take as long as the median.
    """
    first, *steady = (epochs.whole(epoch) for epoch in trace.epochs)
    middle, seconds = median(steady), trace.process.seconds
    return middle, seconds + (full - 1 - len(steady)) * middle, seconds - first - sum(steady)


def _baseline(workspace: Workspace, network: str, root: Path, *words: str, epochs: int, workers: int) -> Trace:
    folder = workspace.new_folder("baseline")
    command = ["-m", "benchmarks.speed.imagefolder_baseline", str(root), "--model", network]
    command += ["--folder", str(folder), "--batch-size", str(workspace.batch_size)]
    return workspace.trace([*command, "--epochs", str(epochs), "--workers", str(workers), *words], folder=folder)


def _speeds_by_workers(workspace: Workspace, network: str, root: Path) -> dict[int, float]:
    """Number of workers -> images per second in the second of two short epochs."""
    speeds = {}
    for count in [0, cores()] if workspace.quick else sorted({0, 1, cores() // 2, cores()}):
        short = ("--batches", str(BATCHES[network]))
        _, epoch = _baseline(workspace, network, root, *short, epochs=2, workers=count).epochs
        speeds[count] = epochs.images(epoch) / epochs.training_pass(epoch)
    return speeds
