"""The kernel calls that the loopback host answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.kaggle.protocol import LONGEST_TITLE, SHORTEST_TITLE, notebook_code, slug_of
from common.kaggle.server.competition_api import ORIGIN, Call, Wire, find_entered
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.kernel_files import KernelOutputs
from common.kaggle.server.kernels import KernelStore, Version
from common.kaggle.server.submissions import Rerun, SubmissionStore
from common.kaggle.server.wire import COMPETITIONS, RefusedError, page, stamp

KERNELS = "kernels.KernelsApiService"
METHODS = (
    "SaveKernel",
    "GetKernel",
    "GetKernelSessionStatus",
    "ListKernelSessionOutput",
    "CreateCodeSubmission",
)
TYPES = ("script", "notebook")
LARGEST = 1_000_000  # bytes of a source from which on it is refused
# What is mounted of each kind of source, and the field that lists those that cannot be.
KINDS = {
    "competition": "competitions",
    "dataset": "datasets",
    "kernel": "notebooks",
    "model": "models",
}


class KernelService:
    """The calls about kernels of one account."""

    def __init__(
        self,
        competitions: Mapping[str, Hosted],
        submissions: SubmissionStore,
        kernels: KernelStore,
        outputs: KernelOutputs,
    ) -> None:
        self._username = kernels.username
        self._outputs = outputs
        self._competitions = competitions
        self._submissions = submissions
        self._kernels = kernels
        submissions.rerun_by(self._run_again)

    def calls(self) -> dict[str, Call]:
        """`package.Service/Method` to what answers it."""
        return {
            f"{KERNELS}/SaveKernel": self.save_kernel,
            f"{KERNELS}/GetKernel": self.get_kernel,
            f"{KERNELS}/GetKernelSessionStatus": self.get_kernel_session_status,
            f"{KERNELS}/ListKernelSessionOutput": self.list_kernel_session_output,
            f"{COMPETITIONS}/CreateCodeSubmission": self.create_code_submission,
        }

    def save_kernel(self, request: Wire) -> Wire:
        """A new version, which then runs; without what it lists and cannot have, as on the site."""
        if not self._kernels.runs_kernels:
            raise RefusedError(400, "This host was started without anything that runs kernels")
        text = str(request.get("text") or "")
        if len(text.encode()) >= LARGEST:
            raise RefusedError(400, "The kernel source must be less than 1 megabytes in size.")
        title = str(request.get("newTitle") or "")
        if len(title) > LONGEST_TITLE:
            raise RefusedError(500, "Internal error")  # as on the site, which gives no reason
        owner, _, slug = str(request.get("slug") or "").partition("/")
        error = self._error(owner, slug, title, request)
        if error:
            return {"error": error}
        sources, invalid = self._sources(request)
        kept = {name: value for name, value in request.items() if name != "text"}
        version = self._kernels.save(slug, title, text, sources, kept)
        return {
            "ref": f"/code/{owner}/{slug}",
            "url": f"https://www.kaggle.com/code/{owner}/{slug}",
            **({} if self._is_unnumbered(version) else {"versionNumber": version.number}),
            "kernelId": self._kernels.kernel_id(version),
            "invalidTags": list(request.get("categoryIds") or []),
            **invalid,
        }

    def get_kernel(self, request: Wire) -> Wire:
        """The source and the facts of a version, the newest by default."""
        shown = self._kernels.shown(*self._named(request))
        version, newest = self._version(request) if request.get("versionLabel") else shown, shown
        kind = {name: version.request.get(name) for name in ("language", "kernelType")}
        metadata = {
            name: value
            for name, value in version.request.items()
            if name not in ("slug", "newTitle", "sessionTimeoutSeconds", "dockerImagePinningType")
        }
        return {
            "metadata": metadata
            | {
                "id": self._kernels.kernel_id(version),
                "ref": f"{self._username}/{version.slug}",
                "title": version.title,
                "author": self._username,
                "slug": version.slug,
                "lastRunTime": stamp(version.when),
                **({} if self._is_unnumbered(version) else {"currentVersionNumber": newest.number}),
            }
            | self._listed(version),
            "blob": {**kind, "source": self._kernels.source(version), "slug": version.slug},
        }

    def get_kernel_session_status(self, request: Wire) -> Wire:
        """How a version's run stands."""
        version = self._version(request)
        return {"status": version.status, "failureMessage": version.failure}

    def list_kernel_session_output(self, request: Wire) -> Wire:
        """A page of a version's files, each with an address for a while, and the whole log."""
        version = self._version(request)
        answer = page(self._outputs.files(version), request, "files")
        answer["files"] = [
            {"fileName": name, "url": ORIGIN + self._outputs.address(version, name)}
            for name in answer["files"]
        ]
        return answer | {"log": self._kernels.log(version)}

    def create_code_submission(self, request: Wire) -> Wire:
        """A file of a version's output as a submission; it is run again where there are hidden files."""
        hosted = find_entered(self._competitions, str(request.get("competitionName") or ""))
        if hosted.closed:
            raise RefusedError(403, "Submissions are disabled for this competition")
        owner, slug = (str(request.get(name) or "") for name in ("kernelOwner", "kernelSlug"))
        label = f"v{int(request['kernelVersion'])}" if request.get("kernelVersion") else ""
        version = self._kernels.version(owner, slug, label)
        if version.status != "COMPLETE":
            raise RefusedError(400, "The kernel version has not completed")
        file = self._outputs.file(version, str(request.get("fileName") or "submission.csv"))
        description = str(request.get("submissionDescription") or "")
        if hosted.hidden is None:
            ref = self._submissions.submit_file(hosted.slug, file, description)
        else:
            rerun = (version.slug, version.number, file.name)
            ref = self._submissions.submit_rerun(hosted.slug, rerun, description)
        return {"message": f"Successfully submitted to {hosted.title}", "ref": ref}

    def _run_again(self, competition: str, rerun: Rerun) -> Path:
        slug, number, name = rerun
        version = self._kernels.version(self._username, slug, f"v{number}")
        return self._kernels.rerun(version, self._competitions[competition], name)

    def _version(self, request: Wire) -> Version:
        return self._kernels.version(*self._named(request), str(request.get("versionLabel") or ""))

    def _named(self, request: Wire) -> tuple[str, str]:
        return str(request.get("userName") or ""), str(request.get("kernelSlug") or "")

    def _is_unnumbered(self, version: Version) -> bool:
        return any(each.unnumbered for each in self._kernels.competitions(version))

    def _error(self, owner: str, slug: str, title: str, request: Wire) -> str:
        """Why no version is made; "" when one is."""
        if not request.get("text"):
            return "The kernel source must be specified"
        if request.get("language") != "python" or request.get("kernelType") not in TYPES:
            return "This host runs Python scripts and notebooks only"
        if request["kernelType"] == "notebook" and notebook_code(str(request["text"])) is None:
            return "The notebook cannot be read, or names no kernelspec"
        if owner != self._username:
            return f"Permission 'kernels.update' was denied on {owner}/{slug}"
        if len(title) < SHORTEST_TITLE:
            return f"Title must be at least {SHORTEST_TITLE} characters"
        if slug_of(title) != slug:
            return f"The title does not resolve to the slug {slug}, but to {slug_of(title)}"
        return ""

    def _sources(self, request: Wire) -> tuple[list[str], dict[str, list[str]]]:
        """What can be mounted, and by field what cannot."""
        mounted, invalid = [], {}
        for kind, place in KINDS.items():
            named = [str(each) for each in request.get(f"{kind}DataSources") or []]
            good = [each for each in named if self._is_there(kind, each)]
            mounted += [f"{place}/{each}" for each in good]
            invalid[f"invalid{kind.title()}Sources"] = [each for each in named if each not in good]
        return mounted, invalid

    def _is_there(self, kind: str, source: str) -> bool:
        owner, _, slug = source.rpartition("/")
        if kind == "competition":
            hosted = self._competitions.get(source)
            return hosted is not None and hosted.entered
        if kind == "dataset":
            return bool(owner) and self._kernels.dataset_folder(owner, slug) is not None
        return kind == "kernel" and self._kernels.has(owner, slug)

    def _listed(self, version: Version) -> dict[str, Any]:
        """The sources by field, those alone that are mounted."""
        return {
            f"{kind}DataSources": [
                source.partition("/")[2]
                for source in version.sources
                if source.startswith(f"{place}/")
            ]
            for kind, place in KINDS.items()
        }
