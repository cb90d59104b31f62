"""What a run tells of how it came about: its warnings."""

import logging
import warnings

import pytest

from animal_cls.training import provenance


def test_warnings_of_a_run_are_told_and_kept_once(caplog: pytest.LogCaptureFixture) -> None:
    with provenance.collected_warnings() as told:
        warnings.simplefilter("always")
        logging.getLogger("animal_cls.data.dataset").warning("2 of %s images cannot be read", 20)
        warnings.warn("something of torch's", stacklevel=1)
        warnings.warn("something of torch's", stacklevel=1)
        warnings.warn("The 'train_dataloader' does not have many workers which may be a bottleneck", stacklevel=1)
    kept = [record.message for record in caplog.records if record.name == "animal_cls.file"]
    assert told[:2] == ["2 of 20 images cannot be read", "something of torch's"]
    assert kept[:1] == ["something of torch's"]
    assert logging.getLogger("animal_cls").handlers == []
