"""Where a user's own files lie, also of one without a home."""

import tempfile
from pathlib import Path

import pytest

from animal_cls.files import paths


@pytest.mark.parametrize("found", ["~/.cache/animal_cls", None])
def test_a_user_without_a_home_has_a_folder_of_their_own(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions of platformdirs leave the ~ there, or raise."""

    def place(*_: object, **__: object) -> Path:
        if found is None:
            raise RuntimeError("could not determine the home directory")
        return Path(found)

    monkeypatch.setattr("platformdirs.user_cache_path", place)
    folder = paths.user_cache_folder()
    assert folder.is_relative_to(tempfile.gettempdir())
    assert folder != paths.user_config_folder()
