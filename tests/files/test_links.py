"""Links in a folder of somebody else: those that lead out of it are refused before anything is written."""

from pathlib import Path

import pytest

from animal_cls.errors import UserError
from animal_cls.files.links import refuse_links_out


@pytest.mark.parametrize("target", ["../precious", "/etc/hostname", "../nowhere"])
@pytest.mark.parametrize("name", ["animal_cls.log", "checkpoints/last.ckpt", "a/b/c"])
def test_a_link_out_is_refused(name: str, target: str, tmp_path: Path) -> None:
    link = tmp_path / "run" / name
    link.parent.mkdir(parents=True)
    up = "../" * name.count("/") if target.startswith("..") else ""
    link.symlink_to(up + target)
    with pytest.raises(UserError) as refused:
        refuse_links_out(tmp_path / "run")
    assert str(refused.value).startswith(f"{link}: is a link to {link.resolve()}, outside of {tmp_path / 'run'}, and ")


def test_links_between_the_parts_of_a_folder_are_fine(tmp_path: Path) -> None:
    """As TensorBoard's of a sweep, also where the folder itself is reached by a link, and where they lead nowhere."""
    (tmp_path / "sweep" / "tensorboard").mkdir(parents=True)
    (tmp_path / "sweep" / "tensorboard" / "seed=0").symlink_to("../seed=0/tensorboard")
    (tmp_path / "sweep" / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("sweep")
    refuse_links_out(tmp_path / "sweep")
    refuse_links_out(tmp_path / "link")
    refuse_links_out(tmp_path / "nowhere")
