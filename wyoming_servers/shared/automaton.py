"""Makes a deterministic automaton without loops as small as it can be."""


def minimise(arcs: list[dict[str, int]], finals: set[int]) -> tuple[list[dict[str, int]], set[int]]:
    """Merges states from which the same sentences follow and drops those from which none does.

    arcs: by state, word → next state; the start is 0 and no arc leads back. finals: where a sentence may end. Returns both anew.
    """
    merged: dict[tuple, int] = {}
    number_of: dict[int, int | None] = {}
    kept: list[dict[str, int]] = []
    kept_finals: set[int] = set()
    for state in _backwards(arcs):
        followers = {word: after for word, target in sorted(arcs[state].items()) if (after := number_of[target]) is not None}
        if not followers and state not in finals:
            number_of[state] = None
            continue
        signature = (state in finals, tuple(followers.items()))
        if signature not in merged:
            merged[signature] = len(kept)
            kept.append(followers)
            if state in finals:
                kept_finals.add(merged[signature])
        number_of[state] = merged[signature]
    last = len(kept) - 1  # the start is finished last; it becomes 0
    return (
        [{word: last - target for word, target in followers.items()} for followers in reversed(kept)] or [{}],
        {last - state for state in kept_finals},
    )


def _backwards(arcs: list[dict[str, int]]) -> list[int]:
    """Every state after all that follow it; the start last."""
    order: list[int] = []
    seen: set[int] = set()
    waiting: list[tuple[int, bool]] = [(0, False)]
    while waiting:
        state, done = waiting.pop()
        if done:
            order.append(state)
        elif state not in seen:
            seen.add(state)
            waiting.append((state, True))
            waiting += [(target, False) for target in arcs[state].values() if target not in seen]
    return order
