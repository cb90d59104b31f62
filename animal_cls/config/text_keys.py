"""Mappings whose keys are no text, such as epochs in a callback's schedule: JSON would make texts of them."""

from collections.abc import Mapping
from typing import Any

PAIRS = "_pairs_"  # the only key of what stands for such a mapping


def with_text_keys(value: Any) -> Any:
    """`value`, in which such a mapping is a list of pairs."""
    if isinstance(value, Mapping):
        pairs = [(key, with_text_keys(one)) for key, one in value.items()]
        return dict(pairs) if all(isinstance(key, str) for key in value) else {PAIRS: [list(pair) for pair in pairs]}
    return [with_text_keys(one) for one in value] if isinstance(value, list | tuple) else value


def with_own_keys(value: Any) -> Any:
    """What `with_text_keys` has made, as it was."""
    if isinstance(value, Mapping):
        pairs = value[PAIRS] if value.keys() == {PAIRS} else value.items()
        return {key: with_own_keys(one) for key, one in pairs}
    return [with_own_keys(one) for one in value] if isinstance(value, list) else value
