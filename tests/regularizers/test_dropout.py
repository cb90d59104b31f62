"""The strength is a probability; what it is handed to is what the option files of the networks say."""

import re

import pytest

from animal_cls.regularizers.dropout import Dropout


@pytest.mark.parametrize("strength", [1e-9, 0.3, 1 - 2**-53])
def test_a_probability_below_one_is_taken(strength: float) -> None:
    assert Dropout(strength).strength == strength


@pytest.mark.parametrize("strength", [1, 1.0, 1.5])
def test_one_would_drop_everything(strength: float) -> None:
    message = f"reg.dropout={strength}: a probability in [0, 1) is needed: 1 would drop everything."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Dropout(strength)
