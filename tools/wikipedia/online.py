"""Wikipedia itself: the search of MediaWiki's REST API, page summaries, and the introductions of TextExtracts.

https://www.mediawiki.org/wiki/API:REST_API/Reference, https://www.mediawiki.org/wiki/Specs/Summary
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.tool import Fetched, Http

from .source import KEPT_S, LAST_RESORT_S, Hit, Page, Source
from .text import spoken

_MOST_FOUND = "8"


class Online(Source):
    """The Wikipedia of the language."""

    name = "wikipedia"

    def __init__(self, http: Http, uri: str, timeout_s: float) -> None:
        """uri: with `{language}` where the language's code stands."""
        self._http = http
        self._uri = uri.rstrip("/")
        self._timeout_s = timeout_s

    async def search(self, subject: str, language: str) -> list[Hit]:
        """By what the articles say."""
        return await self._find("page", subject, language)

    async def titles(self, beginning: str, language: str) -> list[Hit]:
        """By their titles."""
        return await self._find("title", beginning, language)

    async def page(self, hit: Hit, language: str, *, whole: bool) -> Page | None:
        """The summary, or the introduction."""
        try:
            url = f"/api/rest_v1/page/summary/{quote(hit.key, safe='')}"
            summary = _summary(await self._get(url, language, f"an article about {hit.title}", _summary))
        except HttpError as err:
            if err.status == 404:
                return None
            raise
        if not whole or summary.ambiguous:
            return summary
        query = {"action": "query", "prop": "extracts", "exintro": "1", "explaintext": "1", "redirects": "1"}
        query |= {"titles": hit.title, "format": "json", "formatversion": "2"}
        answer = await self._get("/w/api.php", language, f"more about {hit.title}", _introduction, query)
        return Page(summary.title, _introduction(answer) or summary.text)

    async def _find(self, how: str, text: str, language: str) -> list[Hit]:
        params = {"q": text, "limit": _MOST_FOUND}
        return _hits(await self._get(f"/w/rest.php/v1/search/{how}", language, f"articles about {text}", _hits, params))

    async def _get(
        self, path: str, language: str, why: str, check: Callable[[Fetched], object], params: Mapping[str, str] | None = None
    ) -> Fetched:
        return await self._http.get(
            self._uri.replace("{language}", language) + path,
            why=why,
            params=params,
            timeout_s=self._timeout_s,
            keep_s=KEPT_S,
            stale_s=LAST_RESORT_S,
            check=check,
        )


def _hits(fetched: Fetched) -> list[Hit]:
    content = fetched.json()
    try:
        return [
            Hit(str(row["title"]), str(row["key"]), str(row.get("description") or ""), str(row.get("matched_title") or ""))
            for row in content["pages"]
        ]
    except (KeyError, TypeError, AttributeError) as err:
        raise _useless() from err


def _summary(fetched: Fetched) -> Page:
    content: Any = fetched.json()
    try:
        title = (content.get("titles") or {}).get("normalized") or content["title"]
        return Page(str(title), spoken(str(content["extract"])), content["type"] == "disambiguation")
    except (KeyError, TypeError, AttributeError) as err:
        raise _useless() from err


def _introduction(fetched: Fetched) -> str:
    content = fetched.json()
    try:
        (page,) = content["query"]["pages"]
        return " ".join(spoken(paragraph) for paragraph in str(page.get("extract") or "").split("\n") if paragraph.strip())
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise _useless() from err


def _useless() -> HttpError:
    return HttpError("Wikipedia did not answer with articles")
