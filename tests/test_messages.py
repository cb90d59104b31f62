"""What a user can get wrong, and the one message that each mistake gets."""

import pytest


CONFIG = [
    ("model=resnet19", "x"),
    ("reg.dropout=1", "x"),
]


@pytest.mark.parametrize(("words", "message"), CONFIG, ids=[words for words, _ in CONFIG])
def test_config(program, tmp_path, words, message):
    outcome = program(*words.split())
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (1, "", message + "\n")
    assert not list(tmp_path.iterdir())


def test_run(program, picture_folder, tmp_path):
    root = picture_folder(tmp_path / "pictures")
    outcome = program("data=folder", f"data.root={root}", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")
    print(outcome.stdout, outcome.stderr)
    assert outcome.returncode == 2
