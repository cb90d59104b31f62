"""`import animal_cls as ac`: everything the command line does, from Python; both see each other's runs."""

from animal_cls.api.begin import load, sweep, train
from animal_cls.api.run import Figures, Run
from animal_cls.api.study import Report, Sweep
from animal_cls.errors import UserError

__all__ = ["Figures", "Report", "Run", "Sweep", "UserError", "load", "sweep", "train"]
