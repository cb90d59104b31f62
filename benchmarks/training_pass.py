"""(a) How near our training pass is to a bare loop on tensors in memory."""

from benchmarks import epochs, gpu
from benchmarks.measurements import Measurement, at_least, of, ratio
from benchmarks.workplace import NETWORKS, Workplace, conditions_of

TITLE = "Our training pass and a bare loop: same network, batch, optimizer, precision, memory layout, normalisation"
IMAGES = {"simple_cnn": (1600, 400), "resnet18": (640, 100)}  # in a full and in a quick measurement
REPEATS = {"simple_cnn": (8, 4), "resnet18": (4, 2)}
SHARE, SHARE_ON_GPU = 0.95, 0.9


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """One run per network, with a bare loop between its epochs."""
    found: list[Measurement] = []
    for network in NETWORKS:
        found += _of_network(place, network)
    remarks = [
        "ours is the command's own Trainer loop with data module, metrics and callbacks, from the epoch's start to the "
        "end of its last step; the bare loop shuffles, gathers, normalises and trains, without metrics; both in one "
        "process, in turns A BB A after an epoch each to warm up",
    ]
    return found, remarks


def _of_network(place: Workplace, network: str) -> list[Measurement]:
    repeats = place.options.times(*REPEATS[network])
    repeats += repeats % 2  # the turns come in pairs
    root = place.images(*IMAGES[network])
    overrides = ["data=folder", f"data.root={root}", f"data.batch_size={place.batch_size}", f"model={network}"]
    with gpu.sampled(place.cuda) as samples:
        seen = place.train(*overrides, f"trainer.max_epochs={repeats + 1}", cache=place.folder / "cache", bare=True)
    steady = seen.epochs[1:]
    ours = [epochs.training_pass(epoch) for epoch in steady]
    (bare,) = (fit["bare"] for fit in seen.stages("fit"))
    n = epochs.images(steady[0])
    target = at_least(SHARE_ON_GPU if place.cuda else SHARE)
    note = f"{n} images, batch {place.batch_size}, {conditions_of(seen.result)}"
    busy = gpu.within(samples, [epochs.span(epoch) for epoch in steady])
    return [
        ratio("training pass / bare loop", bare, ours, subject=network, target=target, note=note),
        of("bare loop", "images/s", [n / seconds for seconds in bare], subject=network),
        of("our training pass", "images/s", [n / seconds for seconds in ours], subject=network),
        of(
            "end of an epoch: metrics, log, checkpoints",
            "s",
            [epochs.ending(e) for e in steady],
            subject=network,
        ),
        *([of("GPU busy during our passes", "%", busy, subject=network)] if busy else []),
    ]
