"""What to type when a kernel's run has come back."""

import shlex
from pathlib import Path

import competitions
from common.kaggle.server.host import Host, Hosted
from common.runs import Run
from common.workflow.request import Request
from kernels.verbs import kernel


def test_the_last_line_submits_from_the_kernel_where_the_site_takes_nothing_else(
    tmp_path: Path,
) -> None:
    request = Request(
        competition=competitions.load("digits"),
        recipe_name="quick",
        runs=tmp_path / "my runs",
        words=("epochs=1",),
    )
    run = Run(request.runs / "digits-quick-kernel-v1-12345678")
    for code_only, how in ((True, "--kernel"), (False, "--run")):
        hosted = Hosted(
            slug="digits",
            title="Digits",
            files=tmp_path,
            score=lambda _: (0.5, 0.5),
            metric="accuracy",
            code_only=code_only,
        )
        with Host([hosted], folder=tmp_path / how) as host:
            command = kernel.submitting(request, run, host.environment)
        assert shlex.split(command) == [
            "kit",
            "digits",
            "submit",
            how,
            str(run.folder),
            "--runs",
            str(request.runs),
        ]
