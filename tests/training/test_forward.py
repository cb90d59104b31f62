"""Networks on two grey images, and on a batch of one."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from animal_cls.config.schema import Config
from animal_cls.models.resnet18 import ResNet18
from animal_cls.training import build, forward
from tests.training.conftest import config_of, refusal


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Config]]:
    """`outside(source)` is a config of the network `Network` in a module of somebody's own."""

    def config(source: str) -> Config:
        (tmp_path / "somebodys.py").write_text(f"import torch\nfrom torch import nn\n\n{source}")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "somebodys", raising=False)
        made = config_of()
        made.model = {"name": "mine", "_target_": "somebodys.Network"}
        return made

    yield config
    sys.modules.pop("somebodys", None)


NETWORK = """
class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.last = nn.Linear(3 * 64 * 64, num_classes)

    def forward(self, images):
        logits = self.last(images.flatten(1))
        return {output}
"""


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("torch.cat([logits, logits], dim=1)", "a tensor of shape (2, 14)"),
        ("logits[:, :, None]", "a tensor of shape (2, 7, 1)"),
        ("logits.mean()", "a tensor of shape ()"),
        ("(logits, logits)", "a tuple"),
        ("[logits]", "a list"),
        ("{'logits': logits}", "a dict"),
        ("None", "a NoneType"),
    ],
)
def test_a_network_that_makes_no_logits_is_refused(outside: Callable[[str], Config], output: str, what: str) -> None:
    config = outside(NETWORK.replace("{output}", output))
    assert refusal(config, by=lambda config: build.parts(config, num_classes=7)) == (
        f"model=mine: makes {what} of two images, where logits of shape (2, 7) are needed: images x classes."
    )


def test_main_logits_beside_auxiliary_ones_are_enough(outside: Callable[[str], Config]) -> None:
    outputs = "__import__('collections').namedtuple('Outputs', 'logits aux')(logits, None)"
    config = outside(NETWORK.replace("{output}", outputs))
    network = build.parts(config, num_classes=7).network
    assert forward.logits_of(network(torch.zeros(2, 3, 64, 64))).shape == (2, 7)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("self.last(images[:, :, 1:].flatten(1))", "mat1 and mat2 shapes cannot be multiplied (2x12096 and 12288x2)"),
        ("torch._assert(images.shape[2] == 224, 'Wrong image height!')", "Wrong image height!"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(outside: Callable[[str], Config], line: str, reason: str) -> None:
    config = outside(NETWORK.replace("{output}", line))
    assert refusal(config, by=build.probe) == f"model=mine: cannot take images of data.image_size=64 ({reason})."


def test_a_mistake_in_a_network_keeps_its_traceback(outside: Callable[[str], Config]) -> None:
    with pytest.raises(NameError, match="logit_s"):
        build.probe(outside(NETWORK.replace("{output}", "logit_s")))
    with pytest.raises(ValueError, match="too many values to unpack"):
        build.probe(outside(NETWORK.replace("return {output}", "n, c = images.shape")))


def test_the_look_at_two_images_leaves_the_network_as_it_was() -> None:
    """Its weights, running statistics and modes; a part may be frozen."""
    config = config_of("model=resnet18", "data.image_size=32")
    torch.manual_seed(config.seed)
    fresh = ResNet18(num_classes=2)
    made = build.probe(config).network
    for (name, value), expected in zip(made.state_dict().items(), fresh.state_dict().values(), strict=True):
        assert torch.equal(value, expected), name
    assert {module.training for module in made.modules()} == {True}
    frozen = next(module for module in made.modules() if isinstance(module, torch.nn.BatchNorm2d)).eval()
    forward.check_logits(made, config, 2, config.data.image_size)
    assert [module for module in made.modules() if not module.training] == [frozen]


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("model=resnet18", "data.image_size=16"), "layer4.0.conv1 of model=resnet18 meets maps of 1 x 1 px"),
        (("model=resnet18", "data.image_size=32"), None),
        (("model=resnet18", "data.image_size=32", "reg.progressive_resizing=0.5"), "from images of 16 px"),
        (("model=resnet20", "data.image_size=16", "reg.progressive_resizing=0.5"), None),
        (("model=simple_cnn", "data.image_size=64"), None),
    ],
)
def test_bfloat16_on_a_cpu_is_refused_where_its_gradients_are_wrong(words: tuple[str, ...], where: str | None) -> None:
    config = config_of(*words, "trainer.precision=bf16-mixed", "trainer.accelerator=cpu")
    if where is None:
        build.probe(config)
        return
    message = refusal(config, by=build.probe)
    assert where in message
    assert message.endswith("Use trainer.precision=32-true, or larger images: data.image_size=...")
    config.trainer.precision = "32-true"
    build.probe(config)


@pytest.mark.parametrize("changes", [{"accelerator": "cuda"}, {"precision": "16-mixed"}])
def test_other_devices_and_precisions_take_small_maps(changes: dict[str, str]) -> None:
    config = config_of("model=resnet18", "data.image_size=16", "trainer.precision=bf16-mixed")
    config.trainer = replace(config.trainer, **changes)
    forward.check_bfloat16(config, ResNet18(num_classes=2), [16])


def test_batch_normalization_of_one_value_is_refused_ahead() -> None:
    words = ("model=resnet18", "data.image_size=32")
    assert refusal(config_of(*words, "data.batch_size=1"), by=build.probe) == (
        "data.batch_size=1: model=resnet18 cannot be trained on one image of data.image_size=32 at a time "
        "(Expected more than 1 value per channel when training, got input size torch.Size([1, 512, 1, 1])). "
        "Use data.batch_size=2 or more, or larger images: data.image_size=..."
    )
    config = config_of(*words, "data.batch_size=16")
    network = build.network(config, num_classes=2)
    forward.check_smallest_batch(config, network, images=17)  # the lone last image joins the batch before it
    alone = refusal(config, by=lambda config: forward.check_smallest_batch(config, network, images=1))
    assert alone.startswith("data.root: one image to train on: model=resnet18 cannot be trained on one image")


def test_batches_of_one_image_that_can_be_trained_on_are_left_alone() -> None:
    """And looking whether they can changes neither the network nor the random numbers."""
    config = config_of("model=resnet18", "data.image_size=64", "data.batch_size=1", "reg=dropout")
    network = build.network(config, num_classes=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    forward.check_smallest_batch(config, network, images=30)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    build.probe(config_of("data.batch_size=1"))  # nothing of the simple CNN is normalized
