# SPDX-License-Identifier: Apache-2.0
"""Requests whose answers take their time, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
READERS = 16  # with answers that take 20 ms, they keep one processor busy
AHEAD = 4 * READERS


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results for all items, in their order; few items are taken ahead of them."""
    with ThreadPoolExecutor(READERS) as readers:
        waiting = deque[Future[Result]]()
        for item in items:
            waiting.append(readers.submit(function, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def conversations(
    tasks: Iterable[Generator[Item, Result, None]], answer: Callable[[Item], Result]
) -> Iterator[None]:
    """Send each task the answers to what it asks; once for each answer, so that one may count.

    Only the answers are made side by side: the tasks may share what they know.
    """
    with ThreadPoolExecutor(READERS) as readers:
        asked = {readers.submit(answer, next(task)): task for task in tasks}
        while asked:
            for done in wait(asked, return_when=FIRST_COMPLETED).done:
                task = asked.pop(done)
                with suppress(StopIteration):
                    asked[readers.submit(answer, task.send(done.result()))] = task
                yield
