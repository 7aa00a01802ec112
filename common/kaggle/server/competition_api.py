"""The calls the loopback host answers: each takes the request's JSON and gives the answer's."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.kaggle.server.competition_files import CompetitionFiles
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.leaderboard import board, packed
from common.kaggle.server.submissions import Entry, SubmissionStore
from common.kaggle.server.wire import COMPETITIONS, RefusedError, page, stamp

Wire = dict[str, Any]
ORIGIN = "http://localhost"  # what the client calls the host, whatever its port


@dataclass(frozen=True)
class Redirect:
    """The answer lies at another address."""

    address: str


@dataclass(frozen=True)
class Raw:
    """The answer is the bytes of a file."""

    data: bytes


Answer = Wire | Redirect | Raw
Call = Callable[[Wire], Answer]

CALLS = (
    "list_competitions",
    "get_competition",
    "list_data_files",
    "download_data_files",
    "download_data_file",
    "start_submission_upload",
    "create_submission",
    "list_submissions",
    "get_submission",
    "get_submission_limits",
    "get_leaderboard",
    "download_leaderboard",
    "introspect_token",
)
METHODS = tuple(name.title().replace("_", "") for name in CALLS)
INTROSPECT = f"security.OAuthService/{METHODS[-1]}"


class Service:
    """All calls over one account's competitions, and whatever else it is handed."""

    def __init__(
        self,
        username: str,
        key: str,
        hosted: Mapping[str, Hosted],
        files: Mapping[str, CompetitionFiles],
        submissions: SubmissionStore,
        more: Mapping[str, Call],
    ) -> None:
        """`more` are the calls of other services, by `package.Service/Method`."""
        self._username = username
        self._key = key
        self._hosted = hosted
        self._files = files
        self._submissions = submissions
        self._calls: dict[str, Call] = {
            f"{COMPETITIONS}/{method}": getattr(self, name)
            for name, method in zip(CALLS[:-1], METHODS[:-1], strict=True)
        } | {INTROSPECT: self.introspect_token, **more}

    def needs_account(self, name: str) -> bool:
        """Only the question whether a token is good may be asked without one."""
        return name != INTROSPECT

    def answer(self, name: str, request: Wire) -> Answer:
        """Answer `package.Service/Method`.

        Raises:
            RefusedError: an error answer.
        """
        call = self._calls.get(name)
        if call is None:
            raise RefusedError(404, f"This host does not know the method {name}")
        return call(request)

    def introspect_token(self, request: Wire) -> Wire:
        given = str(request.get("token", "")).encode()
        if not hmac.compare_digest(given, self._key.encode()):
            return {}
        return {"active": True, "username": self._username, "userId": 1}

    def list_competitions(self, request: Wire) -> Wire:
        search = str(request.get("search") or "").lower()
        found = [
            self._competition(hosted)
            for hosted in self._hosted.values()
            if search in hosted.slug.lower() or search in hosted.title.lower()
        ]
        return page(found, request, "competitions")

    def get_competition(self, request: Wire) -> Wire:
        return self._competition(self._known(request))

    def list_data_files(self, request: Wire) -> Wire:
        files = self._files[self._entered(request).slug]
        answer = page(files.names(), request, "files")
        answer["files"] = [self._file(files, name) for name in answer["files"]]
        return answer

    def download_data_files(self, request: Wire) -> Redirect:
        return Redirect(ORIGIN + self._files[self._entered(request).slug].address(None))

    def download_data_file(self, request: Wire) -> Redirect:
        files = self._files[self._entered(request).slug]
        return Redirect(ORIGIN + files.address(str(request.get("fileName", ""))))

    def start_submission_upload(self, request: Wire) -> Wire:
        slug = self._submittable(request).slug
        name = str(request.get("fileName", "")).replace("\\", "/").rsplit("/", 1)[-1]
        token = self._submissions.start(slug, name[:200], int(request.get("contentLength") or 0))
        return {"token": token, "createUrl": f"{ORIGIN}/upload/{token}"}

    def create_submission(self, request: Wire) -> Wire:
        hosted = self._submittable(request)
        token = str(request.get("blobFileTokens", ""))
        description = str(request.get("submissionDescription") or "")
        ref = self._submissions.create(hosted.slug, token, description)
        return {"message": f"Successfully submitted to {hosted.title}", "ref": ref}

    def list_submissions(self, request: Wire) -> Wire:
        hosted = self._entered(request)
        entries = self._submissions.listed(hosted.slug)
        if request.get("group") == "SUBMISSION_GROUP_SUCCESSFUL":
            entries = [entry for entry in entries if entry.status == "COMPLETE"]
        order = str(request.get("sortBy") or "")
        if order == "SUBMISSION_SORT_BY_NAME":
            entries.sort(key=lambda entry: entry.file)
        elif order == "SUBMISSION_SORT_BY_PUBLIC_SCORE":
            entries.sort(key=lambda entry: entry.public or 0.0, reverse=True)
        elif order == "SUBMISSION_SORT_BY_PRIVATE_SCORE" and self._tells_private(hosted):
            entries.sort(key=lambda entry: entry.private or 0.0, reverse=True)
        return page([self._entry(entry) for entry in entries], request, "submissions")

    def get_submission(self, request: Wire) -> Wire:
        return self._entry(self._submissions.entry(int(request.get("ref") or 0)))

    def get_submission_limits(self, request: Wire) -> Wire:
        hosted = self._entered(request)
        today = self._submissions.today(hosted.slug)
        return {
            "numToday": today,
            "numTotal": len(self._submissions.entries(hosted.slug)),
            "numAllowedNow": max(hosted.daily_limit - today, 0),
        }

    def get_leaderboard(self, request: Wire) -> Wire:
        return page(self._board(request), request, "submissions")

    def download_leaderboard(self, request: Wire) -> Raw:
        return Raw(packed(str(request.get("competitionName")), self._board(request)))

    def _board(self, request: Wire) -> list[Wire]:
        """The public board, and once the deadline has passed the private one."""
        hosted = self._entered(request)
        over = self._submissions.clock() > hosted.deadline and not request.get("overridePublic")
        entries = self._submissions.entries(hosted.slug)
        return board(hosted, entries, self._username, private=bool(over))

    def _tells_private(self, hosted: Hosted) -> bool:
        return not hosted.hide_private or self._submissions.clock() > hosted.deadline

    def _entry(self, entry: Entry) -> Wire:
        hosted = self._hosted.get(entry.slug)
        return entry.wire(self._username, private=hosted is None or self._tells_private(hosted))

    def _known(self, request: Wire) -> Hosted:
        return find_competition(self._hosted, str(request.get("competitionName") or ""))

    def _entered(self, request: Wire) -> Hosted:
        return find_entered(self._hosted, str(request.get("competitionName") or ""))

    def _submittable(self, request: Wire) -> Hosted:
        hosted = self._entered(request)
        if hosted.closed:
            raise RefusedError(403, "Submissions are disabled for this competition")
        if hosted.code_only:
            raise RefusedError(400, "This competition accepts submissions from notebooks only")
        return hosted

    def _competition(self, hosted: Hosted) -> Wire:
        return {
            "id": 1,
            "ref": f"https://www.kaggle.com/competitions/{hosted.slug}",
            "title": hosted.title,
            "evaluationMetric": hosted.metric,
            "maxDailySubmissions": hosted.daily_limit,
            "userHasEntered": hosted.entered,
            "isKernelsSubmissionsOnly": hosted.code_only,
            "submissionsDisabled": hosted.closed,
            "deadline": stamp(hosted.deadline),
        }

    def _file(self, files: CompetitionFiles, name: str) -> Wire:
        found = files.path(name).stat()
        return {"name": name, "totalBytes": found.st_size, "creationDate": stamp(found.st_mtime)}


def find_entered(competitions: Mapping[str, Hosted], slug: str) -> Hosted:
    """The competition of a slug, its rules accepted.

    Raises:
        RefusedError: 403, as the site answers an unknown slug and rules that are not accepted.
    """
    hosted = find_competition(competitions, slug)
    if not hosted.entered:
        raise RefusedError(403, "You must accept this competition's rules before you can continue")
    return hosted


def find_competition(competitions: Mapping[str, Hosted], slug: str) -> Hosted:
    """The competition of a slug.

    Raises:
        RefusedError: 403, as the site answers an unknown slug.
    """
    hosted = competitions.get(slug)
    if hosted is None:
        raise RefusedError(403, "Permission 'competitions.participate' was denied")
    return hosted
