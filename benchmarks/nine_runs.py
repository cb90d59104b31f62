"""(f) The nine runs of `sweep=report`, epoch by epoch."""

from pathlib import Path
from statistics import median

from benchmarks import epochs, gpu
from benchmarks.job_clock import OVERRIDE
from benchmarks.measurements import Measurement, of
from benchmarks.workplace import PUBLISHED_PICTURES, Seen, Workplace

TITLE = "The nine runs of sweep=report, at batch 256"
PICTURES = (640, 100)
EPOCHS, PUBLISHED_EPOCHS = 3, 50
SCRATCH = [f"report/{network}{reg}" for network in ("simple_cnn", "resnet18") for reg in ("", "_l2", "_dropout")]
PRETRAINED = [f"report/resnet18_pretrained{reg}" for reg in ("", "_l2", "_dropout")]
MAKE_WEIGHTS = "import sys, torch, torchvision; torch.save(torchvision.models.resnet18().state_dict(), sys.argv[1])"


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Two sweeps: the six runs from scratch, and the three pretrained ones with weights that stand in."""
    weights = place.folder / "resnet18-random.pth"
    place.look(["-c", MAKE_WEIGHTS, str(weights)])
    root = place.pictures(*PICTURES)
    found: list[Measurement] = []
    with gpu.sampled(place.cuda) as samples:
        for names, extra in ((SCRATCH, []), (PRETRAINED, ["model=resnet18_pretrained", f"model.weights={weights}"])):
            seen = _sweep(place, root, names, extra)
            for name, fit in zip(names, seen.stages("fit"), strict=True):
                found += _of_run(name.removeprefix("report/"), fit["epochs"], samples)
    n = len(list(root.glob("*/*")))
    hours = sum(m.value for m in found if m.unit == "s") * PUBLISHED_EPOCHS * PUBLISHED_PICTURES / n / 3600
    name = f"all nine at {PUBLISHED_PICTURES:,} pictures and {PUBLISHED_EPOCHS} epochs, extrapolated"
    found.append(of(name, "h", [hours]))
    return found, [
        f"epochs with validation, the first left out; {n:,} pictures; extrapolated by pictures and epochs, without "
        "start-up and judging",
        "pretrained runs start from random weights of the same network: the same arithmetic",
    ]


def _sweep(place: Workplace, root: Path, names: list[str], extra: list[str]) -> Seen:
    folder = place.new_folder("nine")
    count = 2 if place.options.quick else EPOCHS
    words = ["-m", "animal_cls", "--multirun", f"experiment={','.join(names)}", f"trainer.max_epochs={count}"]
    words += ["data=folder", f"data.root={root}", f"data.cache_dir={place.folder / 'cache'}", *extra]
    return place.look([*words, f"hydra.sweep.dir={folder}", OVERRIDE], folder=folder)


def _of_run(name: str, seen: list[epochs.Epoch], samples: gpu.Samples) -> list[Measurement]:
    steady = seen[1:]
    seconds = [epochs.whole(epoch) for epoch in steady]
    n = epochs.pictures(steady[0])
    speed = f"{n} training pictures, {n / median(seconds):.0f} a second"
    busy = gpu.within(samples, [epochs.span(epoch) for epoch in steady])
    found = [of("an epoch", "s", seconds, subject=name, note=speed)]
    return [*found, of("GPU busy", "%", busy, subject=name)] if busy else found
