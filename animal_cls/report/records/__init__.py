"""All that a report says, as records: made from run folders by `build.build_study`, shown by `tables` and `page`.

Accuracies are fractions, as in the files of a run; differences of accuracies are points (1.0 = one percentage point);
losses are nats. A number that does not exist is `None`, never NaN.
"""

from animal_cls.report.records.classes import ClassLink, ClassRow, Confused, ImageNote, Suspect
from animal_cls.report.records.comparisons import (
    ALL_DATA,
    COMPARED_METRICS,
    COMPARED_SPLITS,
    MARGIN,
    PLANNED,
    Comparison,
    ImagesTest,
    SeedsTest,
)
from animal_cls.report.records.levels import RUN_METRICS, SPLIT_METRICS, ArmRow, Over, Reliability
from animal_cls.report.records.searches import Search
from animal_cls.report.records.several import DoseRow, NetworksRow, PlanRow, RankRow
from animal_cls.report.records.study import Answer, Command, DataSet, PublishedRow, Statement, StatementVerdict, Study

__all__ = [
    "ALL_DATA",
    "COMPARED_METRICS",
    "COMPARED_SPLITS",
    "MARGIN",
    "PLANNED",
    "RUN_METRICS",
    "SPLIT_METRICS",
    "Answer",
    "ArmRow",
    "ClassLink",
    "ClassRow",
    "Command",
    "Comparison",
    "Confused",
    "DataSet",
    "DoseRow",
    "ImageNote",
    "ImagesTest",
    "NetworksRow",
    "Over",
    "PlanRow",
    "PublishedRow",
    "RankRow",
    "Reliability",
    "Search",
    "SeedsTest",
    "Statement",
    "StatementVerdict",
    "Study",
    "Suspect",
]
