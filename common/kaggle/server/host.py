"""A loopback Kaggle: the protocol of the official client, on 127.0.0.1 alone.

    with Host([hosted], folder=folder) as host:
        client.submit("slug", file, "a message", environment=host.environment)

The client is reached through its own environment variables alone and is the real one, unpatched.
"""

import secrets
import site
import threading
import time
from collections.abc import Callable, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from common.kaggle.server.competition_api import METHODS as CALLED
from common.kaggle.server.competition_api import Service
from common.kaggle.server.competition_files import CompetitionFiles
from common.kaggle.server.dataset_api import METHODS as OF_DATASETS
from common.kaggle.server.dataset_api import DatasetService
from common.kaggle.server.datasets import DatasetStore
from common.kaggle.server.faults import FOREVER, Fault, Faults
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.http_handler import Handler
from common.kaggle.server.kernel_api import METHODS as OF_KERNELS
from common.kaggle.server.kernel_api import KernelService
from common.kaggle.server.kernel_files import KernelOutputs
from common.kaggle.server.kernels import RERUN, WORKING, KernelStore
from common.kaggle.server.submissions import SubmissionStore
from common.kaggle.session import RunKernel

__all__ = ["FOREVER", "METHODS", "Fault", "Host", "Hosted"]

METHODS = (  # what a fault can happen to
    *CALLED,
    *OF_DATASETS,
    *OF_KERNELS,
    "PUT",
    "GET",
    "Score",
    "Prepare",
    "Kernel",
)

ADDRESS = "127.0.0.1"
# Inherited, any of these would sign the client in as somebody else or lead it past the host.
CLEARED = (
    "KAGGLE_API_TOKEN",
    "KAGGLE_TOKEN",
    "KAGGLE_API_V1_TOKEN",
    "KAGGLE_KERNEL_RUN_TYPE",
    "KAGGLE_DATA_PROXY_URL",
    "KAGGLE_ENABLE_OAUTH",
    "XDG_CONFIG_HOME",
    "ALL_PROXY",
    "all_proxy",
    "NETRC",
)


class Host:
    """Serves competitions to one account while its `with` block runs.

    Uploads, submissions and the client's throw-away home lie below `folder`; a host opened on the
    same folder again remembers its submissions and its kernels.
    """

    def __init__(
        self,
        competitions: Sequence[Hosted],
        *,
        folder: Path,
        username: str = "you",
        key: str | None = None,
        clock: Callable[[], float] = time.time,
        port: int = 0,
        run_kernel: RunKernel | None = None,
    ) -> None:
        """`clock` tells the host's time, for deadlines and daily limits; port 0 is any free one.

        `run_kernel` runs what is pushed, one after the other; without it nothing can be.
        """
        self._run_kernel = run_kernel
        self._clock = clock
        self._port = port
        self.username = username
        self.faults = Faults()
        self._key = key or secrets.token_hex(16)
        self._competitions = {hosted.slug: hosted for hosted in competitions}
        self._folder = folder.resolve()

    def __enter__(self) -> "Host":
        home = self._folder / "home"
        for name in ("config", "tmp"):
            (home / name).mkdir(parents=True, exist_ok=True)
        secret = secrets.token_bytes(32)
        files = {
            slug: CompetitionFiles(hosted, self._folder / "archives", secret)
            for slug, hosted in self._competitions.items()
        }
        self._submissions = SubmissionStore(
            self._folder, self._competitions, self.faults, self._clock
        )
        self._datasets = DatasetStore(
            self._folder, self.username, self._submissions.uploads, self.faults
        )
        self._kernels = KernelStore(
            self._folder / "kernels",
            self._competitions,
            self.faults,
            self._run_kernel,
            dataset_folder=self._datasets.dataset_folder,
            username=self.username,
            clock=self._clock,
        )
        self._outputs = KernelOutputs(self._kernels)
        more = {
            **KernelService(
                self._competitions, self._submissions, self._kernels, self._outputs
            ).calls(),
            **DatasetService(self._datasets, self._submissions.uploads).calls,
        }
        service = Service(
            self.username, self._key, self._competitions, files, self._submissions, more
        )

        class Bound(Handler):
            pass

        Bound.service, Bound.files, Bound.submissions = service, files, self._submissions
        Bound.outputs = self._outputs
        Bound.account, Bound.faults = (self.username, self._key), self.faults
        Bound.closing = self._closing = threading.Event()
        self._server = ThreadingHTTPServer((ADDRESS, self._port), Bound)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._submissions.closing()
        self._kernels.close()
        self._submissions.close()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, chosen by the system."""
        return int(self._server.server_address[1])

    def rerun_output(self, slug: str, number: int) -> Path:
        """The folder that the last re-run of a kernel's version wrote: no call of a client shows it."""
        version = self._kernels.version(self.username, slug, f"v{number}")
        return self._kernels.place(version) / RERUN / WORKING

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead the official client here, for `environment=` of the client module.

        An empty value means: remove the variable (`common.kaggle.credential.surroundings` does).
        They hold the account's key, so they are not for printing.
        """
        proxy = f"http://{ADDRESS}:{self.port}"
        home = self._folder / "home"
        variables = dict.fromkeys(CLEARED, "")
        for name in ("http_proxy", "https_proxy"):  # https too: it is refused here, not outside
            variables |= {name: proxy, name.upper(): proxy}
        return variables | {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KIT_LOOPBACK_ONLY": "1",
            "no_proxy": ADDRESS,  # an inherited `localhost` would bypass the host
            "NO_PROXY": ADDRESS,
            "HOME": str(home),
            "USERPROFILE": str(home),
            "KAGGLE_CONFIG_DIR": str(home / "config"),
            "TMPDIR": str(home / "tmp"),  # the client keeps the state of uploads there
            "KAGGLE_USERNAME": self.username,
            "KAGGLE_KEY": self._key,
            # With HOME moved, packages installed by `pip install --user` are still to be found.
            "PYTHONUSERBASE": site.getuserbase(),
        }
