"""All that a report says, as records: made from run folders by `build.study`, shown by `tables` and `page`.

Accuracies are fractions, as in the files of a run; differences of accuracies are points (1.0 = one percentage point);
losses are nats. A number that does not exist is `None`, never NaN.
"""

from animal_cls.report.records.claims import PublishedRow, Statement, StatementVerdict
from animal_cls.report.records.comparisons import (
    COMPARED_METRICS,
    COMPARED_SPLITS,
    Comparison,
    Difference,
    ImagesTest,
    SeedsTest,
    Verdict,
)
from animal_cls.report.records.numbers import (
    RUN_METRICS,
    SPLIT_METRICS,
    ArmRow,
    ClassLink,
    ClassRow,
    Confused,
    Reliability,
)
from animal_cls.report.records.runs import Arm, Images, Run, RunPredictions, RunStatus
from animal_cls.report.records.whole import Answer, Command, DataSet, ImageNote, Study

__all__ = [
    "COMPARED_METRICS",
    "COMPARED_SPLITS",
    "RUN_METRICS",
    "SPLIT_METRICS",
    "Answer",
    "Arm",
    "ArmRow",
    "ClassLink",
    "ClassRow",
    "Command",
    "Comparison",
    "Confused",
    "DataSet",
    "Difference",
    "ImageNote",
    "Images",
    "ImagesTest",
    "PublishedRow",
    "Reliability",
    "Run",
    "RunPredictions",
    "RunStatus",
    "SeedsTest",
    "Statement",
    "StatementVerdict",
    "Study",
    "Verdict",
]
