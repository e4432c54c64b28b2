"""A transport of httpx, or of its successor httpx2, that asks a gate before each request and tells it what came back."""

from collections.abc import AsyncIterator
from typing import Any

from .gate import Gate, Trip


def gated(http: Any, way: Any, gate: Gate) -> Any:
    """`way`, through a gate. http: the library it is of."""

    class Body(http.AsyncByteStream):
        """An answer that counts its bytes; its end is that of the trip."""

        def __init__(self, inner: Any, trip: Trip, status: int) -> None:
            self._inner, self._trip, self._status = inner, trip, status
            self._received = 0
            self._problem = ""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self._inner:
                    self._received += len(piece)
                    yield piece
            except http.HTTPError as err:
                self._problem = str(err) or type(err).__name__
                raise

        async def aclose(self) -> None:
            self._trip.end(self._received, self._status, self._problem)
            await self._inner.aclose()

    class Way(http.AsyncBaseTransport):
        """Lets nothing pass that the gate refuses."""

        async def handle_async_request(self, request: Any) -> Any:
            head = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
            trip = await gate.leave(request.method, request.url.host, head + int(request.headers.get("content-length", 0)))
            if trip is None:
                return await way.handle_async_request(request)
            try:
                answer = await way.handle_async_request(request)
            except (http.ConnectError, http.ConnectTimeout) as err:
                trip.end(0, 0, str(err) or "no connection in time", sent=False)
                raise
            except BaseException as err:
                trip.end(0, 0, str(err) or "given up")
                raise
            answer.stream = Body(answer.stream, trip, answer.status_code)
            return answer

        async def aclose(self) -> None:
            await way.aclose()

    return Way()
