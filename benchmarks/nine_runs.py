"""(f) The nine runs of `sweep=report`, epoch by epoch."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import epochs, gpu
from benchmarks.measurements import Measurement, of
from benchmarks.workplace import PUBLISHED_IMAGES, Seen, Workplace

TITLE = "The nine runs of sweep=report, at batch 256"
IMAGES = (640, 100)  # in a full and in a quick measurement
EPOCHS = (3, 2)
NETWORKS, REGS = ("simple_cnn", "resnet18", "resnet18_pretrained"), ("", "_l2", "_dropout")
RUNS, PUBLISHED_EPOCHS = len(NETWORKS) * len(REGS), 50
MAKE_WEIGHTS = "import sys, torch, torchvision; torch.save(torchvision.models.resnet18().state_dict(), sys.argv[1])"


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Two sweeps: the runs from scratch, and the pretrained ones with weights that stand in."""
    weights = place.folder / "resnet18-random.pth"
    place.look(["-c", MAKE_WEIGHTS, str(weights)])
    root = place.images(*IMAGES)
    regs = REGS[:1] if place.options.quick else REGS
    *scratch, pretrained = ([f"{network}{reg}" for reg in regs] for network in NETWORKS)
    sweeps = (
        ([name for names in scratch for name in names], []),
        (pretrained, ["model=resnet18_pretrained", f"model.weights={weights}"]),
    )
    found: list[Measurement] = []
    with gpu.sampled(place.cuda) as samples:
        for names, extra in sweeps:
            fits = _sweep(place, root, names, extra).stages("fit")
            for name, fit in zip(names, fits, strict=True):
                found += _of_run(name, fit["epochs"], samples)
    return [*found, _published(found, len(list(root.glob("*/*"))))], [
        "epochs with validation, the first left out; scaled by images and epochs, without start-up and evaluation",
        "pretrained runs start from random weights of the same network: the same arithmetic",
        *(["quick: one run of each network, which counts for three"] if len(regs) < len(REGS) else []),
    ]


def _published(runs: Sequence[Measurement], images: int) -> Measurement:
    """How long the report's nine runs would take."""
    epoch_seconds = [m.value for m in runs if m.unit == "s"]
    seconds = sum(epoch_seconds) * RUNS / len(epoch_seconds) * PUBLISHED_EPOCHS * PUBLISHED_IMAGES / images
    name = f"all nine at {PUBLISHED_IMAGES:,} images and {PUBLISHED_EPOCHS} epochs"
    return of(name, "h", [seconds / 3600], note=f"extrapolated from {images:,} images")


def _sweep(place: Workplace, root: Path, names: Sequence[str], extra: Sequence[str]) -> Seen:
    folder = place.new_folder("nine")
    experiments = ",".join(f"report/{name}" for name in names)
    words = ["-m", "animal_cls", "--multirun", f"experiment={experiments}", "data=folder", f"data.root={root}"]
    words += [f"trainer.max_epochs={EPOCHS[place.options.quick]}", f"data.cache_dir={place.folder / 'cache'}", *extra]
    return place.look([*words, f"hydra.sweep.dir={folder}"], folder=folder)


def _of_run(name: str, seen: list[epochs.Epoch], samples: gpu.Samples) -> list[Measurement]:
    steady = seen[1:]
    seconds = [epochs.whole(epoch) for epoch in steady]
    n = epochs.images(steady[0])
    speed = f"{n} training images, {n / median(seconds):.0f} a second"
    busy = gpu.within(samples, [epochs.span(epoch) for epoch in steady])
    found = [of("an epoch", "s", seconds, subject=name, note=speed)]
    return [*found, of("GPU busy", "%", busy, subject=name)] if busy else found
