"""The checks: each takes the facts and says what it has found, the worst first."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from animal_cls.data.audit.facts import Facts
from animal_cls.data.audit.findings import SEVERITIES, Finding, Item, Severity
from animal_cls.data.header import Header, has_usual_name
from animal_cls.data.near_copies import MIN_SIDE
from animal_cls.data.sources.folder import FOLLOW
from animal_cls.data.sources.unused import QUIET

TINY = 16  # pixels of the shorter side: hardly anything can be seen
LARGE = 25_000_000  # pixels: decoding takes a hundred times as long as that of a photograph from the web

Groups = list[list[int]]  # indices of files that belong together


def findings(facts: Facts) -> list[Finding]:
    """Everything that was found, the worst first."""
    found = [finding for check in CHECKS for finding in check(facts) if finding.groups]
    order = list(SEVERITIES)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def copies(facts: Facts) -> Iterator[Finding]:
    """Equal files: across splits, across classes, within a class."""
    groups = _groups(facts.contents, np.flatnonzero(facts.readable))
    torn = [group for group in groups if _is_torn(facts, group)]
    mixed = [group for group in groups if _differ(facts.labels, group)]
    yield _finding(
        facts, "copies_across_splits", "severe", "Equal files in different splits", torn,
        "The network is evaluated on what it was trained on, so its accuracy is too good. "
        "The split is predefined, so it is kept: take the copies out of one split.",
    )  # fmt: skip
    yield _finding(
        facts, "copies_across_classes", "severe", "Equal files in different classes", mixed,
        "One image has two labels, of which one at least is wrong. Take it out of one class.",
    )  # fmt: skip
    yield _finding(
        facts, "copies_within_class", "note", "Equal files in one class", _others(groups, torn, mixed),
        "They are in one split and count as often as they are there.",
    )  # fmt: skip


def near_copies(facts: Facts) -> Iterator[Finding]:
    """Different files that show one photograph: across splits, across classes, within a class."""
    groups = _groups(facts.identities, np.flatnonzero(facts.readable))
    groups = [group for group in groups if _differ(facts.contents, group)]
    torn = [group for group in groups if _is_torn(facts, group)]
    mixed = [group for group in groups if _differ(facts.labels, group)]
    way_out = "data.group_copies=true keeps each group in one split."
    if facts.is_predefined:
        way_out = "The split is predefined, so it is kept: move each group into one split."
    yield _finding(
        facts, "near_copies_across_splits", "severe", "Near copies in different splits", torn,
        f"The network is evaluated by images that it was all but trained on, so its accuracy is too good. {way_out}",
    )  # fmt: skip
    yield _finding(
        facts, "near_copies_across_classes", "severe", "Near copies in different classes", mixed,
        "They look like one photograph with two labels, of which one at least would be wrong. Look at them.",
    )  # fmt: skip
    yield _finding(
        facts, "near_copies_within_class", "note", "Near copies in one class", _others(groups, torn, mixed),
        "They show one photograph, in one split.",
    )  # fmt: skip


def unreadable(facts: Facts) -> Iterator[Finding]:
    """Files that are no images, or damaged ones."""
    share = len(facts.unreadable) / len(facts.paths)
    severity: Severity = "severe" if share > facts.max_bad_share else "warning"
    indices = [index for index, path in enumerate(facts.paths) if path in facts.unreadable]
    advice = f"They are left out. A run allows a share of {facts.max_bad_share:g} of such files (data.max_bad_share)"
    groups = [[_item(facts, index, facts.unreadable[facts.paths[index]])] for index in indices]
    advice += f", here it is {share:.2g}."
    yield Finding(
        kind="unreadable", severity=severity, title="Unreadable files", advice=advice, groups=groups, has_images=False
    )  # fmt: skip


def links(facts: Facts) -> Iterator[Finding]:
    """Links that lead out of the root."""
    yield Finding(
        kind="links_not_followed", severity="warning", title="Links that lead out of data.root",
        advice=f"What they lead to is left out. {FOLLOW}",
        groups=[[Item(path=path, class_name="", split="", note="", index=None)] for path in facts.not_followed],
        has_images=False,
    )  # fmt: skip


def unused(facts: Facts) -> Iterator[Finding]:
    """Images, and what may be some, that lie there for nothing."""
    items = [
        Item(path=one.path, class_name="", split="", note=one.reason, index=None)
        for one in facts.unused
        if one.reason not in QUIET
    ]
    yield Finding(
        kind="not_used", severity="warning", title="Images that are not used",
        advice="They lie where no image is looked for, or are of a format that is not read.",
        groups=[[item] for item in items], has_images=False,
    )  # fmt: skip


def remarks(facts: Facts) -> Iterator[Finding]:
    """Images that are read in a way that is to be known."""
    groups = [[_item(facts, k, facts.decoded.remarks[path])] for k, path in enumerate(facts.paths)
              if path in facts.decoded.remarks]  # fmt: skip
    yield Finding(
        kind="remarks", severity="warning", title="Images that are read with a reservation",
        advice="They are used. Look whether they are read as they are meant.", groups=groups,
    )  # fmt: skip


def contents(facts: Facts) -> Iterator[Finding]:
    """Images on which there is little to see."""
    yield _finding(
        facts, "blank", "warning", "Blank images", _alone(np.flatnonzero(facts.blank)),
        "They are of one colour, or nearly, so that nothing can be learned from them. A run uses them all the same.",
    )  # fmt: skip
    yield _finding(
        facts, "tiny", "warning", "Tiny images", _alone(_where(facts, lambda h: min(h.width, h.height) < TINY)),
        f"Less than {TINY} pixels wide or high: hardly anything can be seen on them. A run uses them all the same.",
    )  # fmt: skip


def sizes(facts: Facts) -> Iterator[Finding]:
    """Images that are smaller than the network is given, or huge."""
    size = facts.image_size
    smaller = _where(facts, lambda h: TINY <= min(h.width, h.height) < size)
    yield _finding(
        facts, "smaller", "note", f"Smaller than data.image_size={size}", _alone(smaller),
        f"Less than {size} pixels wide or high: they are enlarged, which adds nothing to see.",
    )  # fmt: skip
    small = _where(facts, lambda h: min(h.width, h.height) < MIN_SIDE)
    yield _finding(
        facts, "not_compared", "note", "Too small to be compared", _alone(small),
        f"Less than {MIN_SIDE} pixels wide or high: they hold too little to tell near copies from different images, "
        "so nothing is said of such. Equal files are found all the same.",
    )  # fmt: skip
    yield _finding(
        facts, "large", "note", "Very large images", _alone(_where(facts, lambda h: h.width * h.height > LARGE)),
        f"More than {LARGE // 10**6} million pixels: decoding them takes long, once.",
    )  # fmt: skip


def formats(facts: Facts) -> Iterator[Finding]:
    """Names that say another format than the contents, and animations."""
    groups = [
        [_item(facts, index, f"is {found.format}")]
        for index, found in enumerate(facts.headers)
        if found and not has_usual_name(facts.paths[index], found)
    ]
    yield Finding(
        kind="wrong_extension", severity="note", title="Names that say another format",
        advice="Images are read by their contents, so nothing needs to be done.", groups=groups,
    )  # fmt: skip
    yield _finding(
        facts, "animated", "note", "Animations", _alone(_where(facts, lambda h: h.animated)),
        "Their first image counts.",
    )  # fmt: skip


CHECKS = (unreadable, copies, near_copies, links, unused, remarks, contents, sizes, formats)


def _finding(facts: Facts, kind: str, severity: Severity, title: str, groups: Groups, advice: str) -> Finding:
    items = [
        [_item(facts, index, _size(facts.headers[index])) for index in _unlike_first(facts, group)] for group in groups
    ]
    return Finding(kind=kind, severity=severity, title=title, advice=advice, groups=items)


def _unlike_first(facts: Facts, group: list[int]) -> list[int]:
    """One of each class and split, then the others: where only the first are shown, they show why it is a finding."""
    first = {(facts.labels[index], facts.splits[index]): index for index in reversed(group)}
    return sorted(group, key=lambda index: index not in first.values())


def _item(facts: Facts, index: int, note: str) -> Item:
    name = facts.classes[facts.labels[index]]
    return Item(path=facts.paths[index], class_name=name, split=str(facts.splits[index]), note=note, index=index)


def _size(found: Header | None) -> str:
    return f"{found.width:,} x {found.height:,}" if found else ""


def _groups(keys: np.ndarray, indices: np.ndarray) -> Groups:
    """The indices with equal keys, where there are several."""
    groups: dict[str, list[int]] = {}
    for index in indices.tolist():
        groups.setdefault(str(keys[index]), []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def _is_torn(facts: Facts, group: list[int]) -> bool:
    """Whether it lies in several splits; images in none, which data.limit leaves out, do not count."""
    return len(set(facts.splits[group].tolist()) - {""}) > 1


def _differ(values: np.ndarray, group: list[int]) -> bool:
    return len(set(values[group].tolist())) > 1


def _others(groups: Groups, *shown: Groups) -> Groups:
    known = {group[0] for kind in shown for group in kind}
    return [group for group in groups if group[0] not in known]


def _alone(indices: Iterable[int]) -> Groups:
    return [[int(index)] for index in indices]


def _where(facts: Facts, condition: Callable[[Header], bool]) -> list[int]:
    return [index for index, found in enumerate(facts.headers) if found and condition(found)]
