"""The calls the loopback host answers: each takes the request's JSON and gives the answer's."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.kaggle.desk import Desk
from common.kaggle.hosted import Hosted, Shelf
from common.kaggle.protocol import COMPETITIONS, RefusedError, page, stamp
from common.metrics import METRICS

Wire = dict[str, Any]
ORIGIN = "http://localhost"  # what the client calls the host, whatever its port


@dataclass(frozen=True)
class Redirect:
    """The answer lies at another address."""

    address: str


Call = Callable[[Wire], "Wire | Redirect"]


class Service:
    """All calls over one account's competitions."""

    def __init__(
        self, username: str, key: str, hosted: Mapping[str, Hosted], shelves: Mapping[str, Shelf],
        desk: Desk,
    ) -> None:  # fmt: skip
        self._username = username
        self._key = key
        self._hosted = hosted
        self._shelves = shelves
        self._desk = desk
        calls: list[Call] = [
            self.list_competitions, self.get_competition, self.list_data_files,
            self.download_data_files, self.download_data_file, self.start_submission_upload,
            self.create_submission, self.list_submissions, self.get_submission,
            self.get_submission_limits, self.get_leaderboard,
        ]  # fmt: skip
        self._calls = {
            f"{COMPETITIONS}/{call.__name__.title().replace('_', '')}": call for call in calls
        }
        self._open: dict[str, Call] = {
            "security.OAuthService/IntrospectToken": self.introspect_token
        }

    def needs_account(self, name: str) -> bool:
        """Only the question whether a token is good may be asked without one."""
        return name not in self._open

    def answer(self, name: str, request: Wire) -> Wire | Redirect:
        """Answer `package.Service/Method`.

        Raises:
            RefusedError: an error answer.
        """
        call = self._calls.get(name) or self._open.get(name)
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
        shelf = self._shelves[self._entered(request).slug]
        answer = page(shelf.names(), request, "files")
        answer["files"] = [self._file(shelf, name) for name in answer["files"]]
        return answer

    def download_data_files(self, request: Wire) -> Redirect:
        return Redirect(ORIGIN + self._shelves[self._entered(request).slug].address(None))

    def download_data_file(self, request: Wire) -> Redirect:
        shelf = self._shelves[self._entered(request).slug]
        return Redirect(ORIGIN + shelf.address(str(request.get("fileName", ""))))

    def start_submission_upload(self, request: Wire) -> Wire:
        slug = self._entered(request).slug
        name = str(request.get("fileName", "")).replace("\\", "/").rsplit("/", 1)[-1]
        token = self._desk.start(slug, name[:200], int(request.get("contentLength") or 0))
        return {"token": token, "createUrl": f"{ORIGIN}/upload/{token}"}

    def create_submission(self, request: Wire) -> Wire:
        hosted = self._entered(request)
        token = str(request.get("blobFileTokens", ""))
        description = str(request.get("submissionDescription") or "")
        ref = self._desk.create(hosted.slug, token, description)
        return {"message": f"Successfully submitted to {hosted.title}", "ref": ref}

    def list_submissions(self, request: Wire) -> Wire:
        entries = self._desk.entries(self._entered(request).slug)
        return page([entry.wire(self._username) for entry in entries], request, "submissions")

    def get_submission(self, request: Wire) -> Wire:
        return self._desk.entry(int(request.get("ref") or 0)).wire(self._username)

    def get_submission_limits(self, request: Wire) -> Wire:
        hosted = self._entered(request)
        today = self._desk.today(hosted.slug)
        return {
            "numToday": today,
            "numTotal": len(self._desk.entries(hosted.slug)),
            "numAllowedNow": max(hosted.daily_limit - today, 0),
        }

    def get_leaderboard(self, request: Wire) -> Wire:
        """One row, the account's best public score: nobody else plays here."""
        hosted = self._entered(request)
        best = max if METRICS[hosted.metric].higher_is_better else min
        scored = [entry for entry in self._desk.entries(hosted.slug) if entry.public is not None]
        rows = []
        if scored:
            entry = best(scored, key=lambda found: found.public or 0.0)
            rows.append({
                "teamId": 1,
                "teamName": self._username,
                "submissionDate": stamp(entry.when),
                "score": f"{entry.public:.5f}",
            })  # fmt: skip
        return page(rows, request, "submissions")

    def _known(self, request: Wire) -> Hosted:
        hosted = self._hosted.get(str(request.get("competitionName") or ""))
        if hosted is None:  # the site's answer to a misspelt name, too
            raise RefusedError(403, "Permission 'competitions.participate' was denied")
        return hosted

    def _entered(self, request: Wire) -> Hosted:
        hosted = self._known(request)
        if not hosted.entered:
            raise RefusedError(
                403, "You must accept this competition's rules before you can continue"
            )
        return hosted

    def _competition(self, hosted: Hosted) -> Wire:
        return {
            "id": 1,
            "ref": f"https://www.kaggle.com/competitions/{hosted.slug}",
            "title": hosted.title,
            "evaluationMetric": hosted.metric,
            "maxDailySubmissions": hosted.daily_limit,
            "userHasEntered": hosted.entered,
            "deadline": "2099-12-31T23:59:00Z",
        }

    def _file(self, shelf: Shelf, name: str) -> Wire:
        found = shelf.path(name).stat()
        return {"name": name, "totalBytes": found.st_size, "creationDate": stamp(found.st_mtime)}
