"""(a) How near our training pass is to a bare loop on tensors in memory."""

from benchmarks.harness import epochs
from benchmarks.harness.measurements import Measurement, of, ratio
from benchmarks.harness.workspace import NETWORKS, Workspace

TITLE = "Our training pass and a bare loop: same network, batch, optimizer, precision, memory layout, normalisation"
IMAGES = {"simple_cnn": (1600, 400), "resnet18": (640, 100)}  # in a full and in a quick measurement
REPEATS = {"simple_cnn": (8, 4), "resnet18": (4, 2)}
SHARE, SHARE_ON_GPU = 0.95, 0.9
BARE_LOOP = "benchmarks.speed.bare_loop:BareLoop"
REMARK = (
    "ours is the command's own Trainer loop with data module, metrics and callbacks, from the epoch's start to the end "
    "of its last step; the bare loop shuffles, gathers, normalises and trains, without metrics; both in one process, "
    "in turns A BB A after an epoch each to warm up"
)


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """One run per network, with a bare loop between its epochs."""
    return [measurement for network in NETWORKS for measurement in _of_network(workspace, network)], [REMARK]


def _of_network(workspace: Workspace, network: str) -> list[Measurement]:
    repeats = workspace.times(*REPEATS[network])
    repeats += repeats % 2  # the turns come in pairs
    root = workspace.images(*IMAGES[network])
    trace = workspace.train(network, root, epochs=repeats + 1, callback=BARE_LOOP)
    steady = trace.epochs[1:]
    ours = [epochs.training_pass(epoch) for epoch in steady]
    (bare,) = (event["seconds"] for event in trace.events("bare"))
    n = epochs.images(steady[0])
    target = SHARE_ON_GPU if workspace.torch["gpu"] else SHARE
    note = f"{n} images, batch {workspace.batch_size}, {trace.conditions}"
    return [
        ratio("training pass / bare loop", bare, ours, subject=network, at_least=target, note=note),
        of("bare loop", "images/s", [n / seconds for seconds in bare], subject=network),
        of("our training pass", "images/s", [n / seconds for seconds in ours], subject=network),
    ]
