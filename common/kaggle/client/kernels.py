"""Push a kernel, follow it, fetch its output, submit it: what the kit's verbs ask of Kaggle.

As in `common.kaggle.client`, each function takes `environment` and raises `KaggleError`.
"""

from common.kaggle.client.kernel_output import fetch_output
from common.kaggle.client.kernel_push import Kernel, Pushed, newest, push
from common.kaggle.client.kernel_status import KernelError, Line, State, follow, log, session
from common.kaggle.client.kernel_submit import kernel_mark, submit_kernel
from common.kaggle.client.send_once import UnsureError
from common.kaggle.protocol import slug_of

__all__ = [
    "Kernel",
    "KernelError",
    "Line",
    "Pushed",
    "State",
    "UnsureError",
    "fetch_output",
    "follow",
    "kernel_mark",
    "log",
    "newest",
    "push",
    "session",
    "slug_of",
    "submit_kernel",
]
