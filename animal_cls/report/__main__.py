"""`python -m animal_cls.report`."""

import sys

from animal_cls.commands.report import main

if __name__ == "__main__":
    sys.exit(main())
