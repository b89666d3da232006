"""What a contained program prints, as much of it as is worth keeping."""

from mlc.runtime.harness.texts import one_line

LONGEST_LINE = 2_000
MOST_LINES = 1_000


class CappedLog:
    """The first and the last of what a process prints; what lies between is counted, not kept."""

    def __init__(self, half: int = 48 * 1024) -> None:
        self._half = half
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, text: bytes) -> None:
        """Take what was printed."""
        room = self._half - len(self._head)
        self._head += text[:room]
        self._tail += text[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def lines(self) -> list[str]:
        """The kept text as printable lines: 1,000 at the most, the first and the last, each of 2,000 characters."""
        self._trim()
        text = self._head.decode(errors="replace")
        if self._dropped:
            text += f"\n[... {self._dropped:,} bytes of output left out ...]\n"
        text += self._tail.decode(errors="replace")
        lines = text.splitlines()
        if len(lines) > MOST_LINES:
            left_out = f"[... {len(lines) - MOST_LINES:,} lines of output left out ...]"
            lines = [*lines[: MOST_LINES // 2], left_out, *lines[-MOST_LINES // 2 :]]
        return [one_line(line, LONGEST_LINE) for line in lines]

    def _trim(self) -> None:
        excess = max(0, len(self._tail) - self._half)
        del self._tail[:excess]
        self._dropped += excess
