"""``python -m salmetrics`` is the command line."""

import sys

from salmetrics.cli import main

if __name__ == "__main__":
    sys.exit(main())
