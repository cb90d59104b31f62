"""Published weights come from the cache, from the server or from a file, or it is said why not and what to do."""

import hashlib
import pickle
import socket
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import ResNet18_Weights, Weights, WeightsEnum, resnet18
from torchvision.transforms._presets import ImageClassification

from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.weights import IMAGENET, load_published, normalization, state_of


class Tiny(nn.Module):
    """Two layers, the last of which is not taken over."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 2)


def load(weights: str | Path, *, network: nn.Module | None = None, published: type = ResNet18_Weights) -> nn.Module:
    network = network or Tiny()
    state = state_of(str(weights), published)
    load_published(network, state, weights=str(weights), published=published, without=("fc.weight", "fc.bias"))
    return network


def refusal(weights: str | Path, **where: Any) -> str:
    with pytest.raises(UserError) as error:
        load(weights, **where)
    assert not isinstance(error.value, WeightsUnavailable)  # a mistake, not a lack: such a run fails
    return str(error.value)


def saved(content: Any, tmp_path: Path) -> Path:
    torch.save(content, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's cache folder, empty; and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    return tmp_path / "torch" / "hub" / "checkpoints"


# ---- from a file


def test_a_fitting_file_is_loaded_all_but_the_last_layer(tmp_path: Path) -> None:
    source, before = Tiny(), Tiny()
    source.norm.running_mean.fill_(3)  # type: ignore[union-attr]  # made two lines above
    state = source.state_dict() | {"fc.weight": torch.zeros(1000, 2), "fc.bias": torch.zeros(1000)}
    network = Tiny()
    network.load_state_dict(before.state_dict())
    load(saved(state, tmp_path), network=network)
    for name, value in network.state_dict().items():
        assert torch.equal(value, (before if name.startswith("fc") else source).state_dict()[name]), name


def test_the_users_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    source, network = Tiny(), Tiny()
    saved(source.state_dict(), tmp_path)
    load("~/weights.pth", network=network)
    assert any(torch.equal(value, source.state_dict()[name]) for name, value in network.state_dict().items())


def test_a_missing_file_is_named_with_the_names_there_are(tmp_path: Path) -> None:
    missing = tmp_path / "resnet.pth"
    assert refusal(missing) == (
        f"model.weights={missing}: neither a file nor a name of weights (IMAGENET1K_V1, DEFAULT)."
    )
    assert refusal("IMAGENET1K_V9").startswith("model.weights=IMAGENET1K_V9: neither a file nor a name")
    assert "neither a file" in refusal(tmp_path)  # a folder


def test_weights_of_another_network_are_refused_with_what_did_not_fit(tmp_path: Path) -> None:
    state = Tiny().state_dict()
    other = {name: value for name, value in state.items() if not name.startswith("norm")}
    other |= {"conv.weight": torch.zeros(2, 3, 5, 5), "extra": torch.zeros(1)}
    file = saved(other, tmp_path)
    network = Tiny()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    message = refusal(file, network=network)
    assert message.startswith(
        f"model.weights={file}: does not fit this network: 5 missing (norm.weight, norm.bias, "
        "norm.running_mean, ...); 1 unknown (extra); conv.weight is (2, 3, 5, 5) instead of (2, 3, 3, 3). "
        "Needed: a file of torchvision's ResNet18, "
    )
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())  # nothing half-loaded


def test_a_mismatching_file_names_the_network_that_it_should_be_of(tmp_path: Path) -> None:
    message = refusal(saved({"conv1.weight": torch.zeros(1)}, tmp_path), network=resnet18())
    assert (
        "119 missing (bn1.weight, bn1.bias, bn1.running_mean, ...)" in message
    )  # 122 entries but fc's two and conv1's
    assert "conv1.weight is (1,) instead of (64, 3, 7, 7)" in message
    assert message.endswith("a file of torchvision's ResNet18, as torch.save(model.state_dict(), file) writes it.")


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"], ids=["empty", "text", "cut off"])
def test_what_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    message = refusal(tmp_path / "weights.pth")
    assert message.startswith(f"model.weights={tmp_path}/weights.pth: not a file of weights that can be read safely (")
    assert "\n" not in message


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.zeros(2), {"state_dict": {"a": 1}}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: Any) -> None:
    file = saved(content, tmp_path)
    assert refusal(file) == (
        f"model.weights={file}: holds no weights by name; save it with torch.save(model.state_dict(), file)."
    )


class Malicious:
    """Unpickling it calls a function."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call = call, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("legacy", [False, True], ids=["torch.save", "plain pickle"])
def test_a_file_with_code_is_refused_and_none_of_it_runs(tmp_path: Path, legacy: bool) -> None:
    trace = tmp_path / "it ran"
    content = Tiny().state_dict() | {"evil": Malicious(Path.touch, trace)}
    file = tmp_path / "weights.pth"
    if legacy:
        file.write_bytes(pickle.dumps({"evil": Malicious(Path.touch, trace)}, protocol=2))
    else:
        torch.save(content, file)
    assert refusal(file) == (
        f"model.weights={file}: not a file of weights that can be read safely "
        "(it is damaged or holds something else than tensors)."  # torch's own words advise to switch the safety off
    )
    assert not trace.exists()
    torch.load(file, weights_only=False) if not legacy else pickle.loads(file.read_bytes())
    assert trace.exists()  # it was no dud


# ---- by name


def test_named_weights_without_a_network_say_what_to_put_where(home: Path) -> None:
    with pytest.raises(WeightsUnavailable) as error:
        ResNet18(num_classes=2, weights="IMAGENET1K_V1")
    url = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert str(error.value) == (
        f"model.weights=IMAGENET1K_V1: these weights are not at {home}/resnet18-f37072fd.pth and could not be "
        f"downloaded from {url} (<urlopen error no network here>). Way out: download that file on another machine and "
        "put it there, or name it: model.weights=/path/to/file.pth."
    )


def test_a_server_that_does_not_answer_is_given_up_in_time_and_the_default_comes_back(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float | None] = []

    def silent(*_: object, **__: object) -> None:
        seen.append(socket.getdefaulttimeout())
        raise TimeoutError("timed out")

    monkeypatch.setattr("torch.hub.urlopen", silent)
    before = socket.getdefaulttimeout()
    with pytest.raises(WeightsUnavailable, match=r"could not be downloaded .*\(timed out\)"):
        load("IMAGENET1K_V1")
    assert socket.getdefaulttimeout() == before
    assert seen[0] is not None
    assert 0 < seen[0] <= 60


def stand_in(url: str) -> type[WeightsEnum]:
    """Weights as torchvision publishes them, but at `url`."""

    class StandIn(WeightsEnum):
        SMALL_V1 = Weights(url=url, transforms=ImageClassification, meta={})

    return StandIn


def test_named_weights_that_are_in_the_cache_need_no_network(home: Path) -> None:
    home.mkdir(parents=True)
    source = Tiny()
    torch.save(source.state_dict(), home / "tiny-01234567.pth")
    network = load("SMALL_V1", published=stand_in("https://example.org/tiny-01234567.pth"))
    assert torch.equal(network.conv.weight, source.conv.weight)  # type: ignore[arg-type, union-attr]  # a Tiny's


@pytest.mark.parametrize("right", [True, False])
def test_what_is_downloaded_has_its_hash_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: bool) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    source = Tiny()
    torch.save(source.state_dict(), tmp_path / "made.pth")
    digest = hashlib.sha256((tmp_path / "made.pth").read_bytes()).hexdigest()[:8]
    name = f"tiny-{digest if right else digest[::-1]}.pth"
    file = (tmp_path / "made.pth").rename(tmp_path / name)
    kept = tmp_path / "torch" / "hub" / "checkpoints" / name
    published = stand_in(file.as_uri())
    if right:
        network = load("SMALL_V1", published=published)
        assert torch.equal(network.conv.weight, source.conv.weight)  # type: ignore[arg-type, union-attr]
        assert kept.exists()
    else:
        with pytest.raises(WeightsUnavailable, match="invalid hash value"):
            load("SMALL_V1", published=published)
        assert not kept.exists()


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut off"], ids=["empty", "page", "cut off"])
def test_a_damaged_file_in_the_cache_gets_one_message(home: Path, content: bytes) -> None:
    home.mkdir(parents=True)
    (home / "tiny-01234567.pth").write_bytes(content)
    message = refusal("SMALL_V1", published=stand_in("https://example.org/tiny-01234567.pth"))
    assert message.startswith(f"model.weights=SMALL_V1: {home}/tiny-01234567.pth is damaged or cannot be read (")
    assert message.endswith("). Delete it, so that it is downloaded again.")


# ---- the statistics


def test_images_are_normalised_as_the_named_weights_want_it() -> None:
    transforms = ResNet18_Weights.IMAGENET1K_V1.transforms()
    assert normalization("IMAGENET1K_V1", ResNet18_Weights) == (tuple(transforms.mean), tuple(transforms.std))


def test_without_named_weights_imagenets_statistics_are_used() -> None:
    assert normalization(None, ResNet18_Weights) == normalization("/some/file.pth", ResNet18_Weights) == IMAGENET
    assert ResNet18(num_classes=2).normalization == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_statistics_are_those_of_the_weights_not_always_imagenets() -> None:
    class Half(WeightsEnum):
        HALF_V1 = Weights(
            url="https://example.org/half-01234567.pth",
            transforms=lambda: ImageClassification(crop_size=8, mean=(0.5,) * 3, std=(0.25,) * 3),
            meta={},
        )

    assert normalization("HALF_V1", Half) == ((0.5,) * 3, (0.25,) * 3)


# ---- from a run of ours


CLASSES = ["cat", "dog", "owl"]


@pytest.fixture
def source() -> ResNet18:
    torch.manual_seed(1)
    return ResNet18(num_classes=3)


@pytest.fixture
def checkpoint(source: ResNet18, tmp_path: Path) -> Path:
    """As a run with EMA writes last.ckpt: its own weights, and those that are evaluated."""
    network = {f"network.{name}": value for name, value in source.state_dict().items()}
    scaling = {"mean": torch.full((1, 3, 1, 1), 0.25), "std": torch.full((1, 3, 1, 1), 0.5)}
    own = {name: torch.zeros_like(value) for name, value in network.items()}
    about = {"classes": CLASSES, "config": {"model": {"name": "resnet18"}}}
    return saved({"state_dict": own | scaling, "evaluated": network | scaling, "animal_cls": about}, tmp_path)


def assert_taken(network: nn.Module, source: nn.Module, fresh: nn.Module | None = None) -> None:
    """All weights are the source's, the head's those of `fresh`, if that is given."""
    for name, value in network.state_dict().items():
        origin = fresh if fresh is not None and name.startswith("head.") else source
        assert torch.equal(value, origin.state_dict()[name]), name


def test_a_run_of_the_same_classes_is_taken_over_whole(
    checkpoint: Path, source: ResNet18, caplog: pytest.LogCaptureFixture
) -> None:
    network = ResNet18(num_classes=3, weights=str(checkpoint), class_names=CLASSES, dropout=0.3)
    assert_taken(network, source)
    assert network.normalization == ([0.25] * 3, [0.5] * 3)
    assert caplog.messages == []


@pytest.mark.parametrize("names", [["cat", "dog", "fox"], ["cat", "dog"]])
def test_the_head_is_left_out_where_the_classes_differ_and_it_is_said(
    checkpoint: Path, source: ResNet18, names: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(2)
    fresh = ResNet18(num_classes=len(names))
    torch.manual_seed(2)
    network = ResNet18(num_classes=len(names), weights=str(checkpoint), class_names=names)
    assert_taken(network, source, fresh)
    assert caplog.messages == [
        f"model.weights={checkpoint}: its run told apart cat, dog, owl, this one {', '.join(names)}; "
        "so its head is left out and begins anew"
    ]


def test_a_run_of_another_network_is_refused(tmp_path: Path) -> None:
    about = {"classes": CLASSES, "config": {"model": {"name": "simple_cnn"}}}
    scaling = {"mean": torch.zeros(1, 3, 1, 1), "std": torch.ones(1, 3, 1, 1)}
    file = saved(
        {"state_dict": {"network.features.0.weight": torch.zeros(1), **scaling}, "animal_cls": about}, tmp_path
    )
    with pytest.raises(UserError) as error:
        ResNet18(num_classes=3, weights=str(file), class_names=CLASSES)
    assert str(error.value).startswith(f"model.weights={file}: does not fit this network: ")
    assert str(error.value).endswith("It is of a run with model=simple_cnn; give a checkpoint of the same network.")
