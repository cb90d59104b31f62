"""(f) The nine runs of `sweep=report`, epoch by epoch."""

from collections.abc import Sequence
from statistics import mean, median

from benchmarks.harness import epochs
from benchmarks.harness.measurements import Measurement, of
from benchmarks.harness.workspace import PUBLISHED_IMAGES, Workspace

TITLE = "The nine runs of sweep=report, at batch 256"
IMAGES = (640, 100)  # in a full and in a quick measurement
EPOCHS = (3, 2)
NETWORKS, REGS = ("simple_cnn", "resnet18", "resnet18_pretrained"), ("", "_l2", "_dropout")
RUNS, PUBLISHED_EPOCHS = len(NETWORKS) * len(REGS), 50
MAKE_WEIGHTS = "import sys, torch, torchvision; torch.save(torchvision.models.resnet18().state_dict(), sys.argv[1])"
REMARKS = (
    "epochs with validation, the first left out; scaled by images and epochs, without start-up and evaluation",
    "pretrained runs start from random weights of the same network: the same arithmetic",
)


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """Two sweeps: the runs from scratch, and the pretrained ones with weights that stand in."""
    weights = workspace.folder / "resnet18-random.pth"
    workspace.trace(["-c", MAKE_WEIGHTS, str(weights)])
    root = workspace.images(*IMAGES)
    regs = REGS[:1] if workspace.quick else REGS
    plain, deep, pretrained = ([f"{network}{reg}" for reg in regs] for network in NETWORKS)
    stand_in = ["model=resnet18_pretrained", f"model.weights={weights}"]
    found: list[Measurement] = []
    for names, extra in (([*plain, *deep], []), (pretrained, stand_in)):
        experiments = ",".join(f"report/{name}" for name in names)
        words = [f"experiment={experiments}", f"trainer.max_epochs={EPOCHS[workspace.quick]}", *extra]
        fits = workspace.command(root, "--multirun", *words).events("fit")
        found += [_epoch(name, fit["epochs"]) for name, fit in zip(names, fits, strict=True)]
    few = ["quick: one run of each network, which counts for three"] if workspace.quick else []
    return [*found, published(found, len(list(root.glob("*/*"))))], [*REMARKS, *few]


def published(runs: Sequence[Measurement], images: int) -> Measurement:
    """How long the report's nine runs would take."""
    epoch_seconds = RUNS * mean(run.value for run in runs)
    seconds = epoch_seconds * PUBLISHED_EPOCHS * PUBLISHED_IMAGES / images
    name = f"all nine at {PUBLISHED_IMAGES:,} images and {PUBLISHED_EPOCHS} epochs"
    return of(name, "h", [seconds / 3600], note=f"extrapolated from {images:,} images")


def _epoch(name: str, run: Sequence[epochs.Epoch]) -> Measurement:
    seconds = [epochs.whole(epoch) for epoch in run[1:]]
    n = epochs.images(run[0])
    return of("an epoch", "s", seconds, subject=name, note=f"{n} training images, {n / median(seconds):.0f} a second")
