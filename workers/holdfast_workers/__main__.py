"""``python -m holdfast_workers module:app``: a worker process, as ``holdfast dev`` starts it."""

import sys

from holdfast_temporal.leaving import leave

from .process import main

leave(main(sys.argv[1]))
