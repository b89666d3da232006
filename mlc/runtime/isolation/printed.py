"""What a contained program prints, as much of it as is worth keeping."""


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
        """The kept text as lines, each of at most 2,000 characters."""
        self._trim()
        text = self._head.decode(errors="replace")
        if self._dropped:
            text += f"\n[... {self._dropped:,} bytes of output left out ...]\n"
        text += self._tail.decode(errors="replace")
        return [line if len(line) <= 2000 else line[:2000] + " [...]" for line in text.splitlines()]

    def _trim(self) -> None:
        excess = max(0, len(self._tail) - self._half)
        del self._tail[:excess]
        self._dropped += excess
