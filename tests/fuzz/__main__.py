"""`python -m tests.fuzz load|feel [--seconds N] [--keep-going] [-- libFuzzer's own flags]`, or `... FILE` to replay.

`python -m tests.fuzz tickets [--seconds N]` tries answers of ticket systems instead, with Hypothesis, and
`python -m tests.fuzz gateway [--seconds N]` requests of the gateway, signed where that is asked for.
`python -m tests.fuzz channel [--seconds N] [--seed N]` tries what a model's process may write to its runtime, with
Atheris where it is installed, else with real messages that are changed at random.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

MISSING = "Atheris is not installed: pip install -c constraints.txt -e '.[fuzz]' (Linux, Python 3.11 to 3.13)"
#: Longest input, in bytes. Every construct fits into a few hundred; long inputs only make the search slow.
LONGEST = {"load": 6_000, "feel": 600, "channel": 6_000}
#: What is instrumented for a target.
CODE = {"load": "mlc.dmn", "feel": "mlc.dmn", "channel": "mlc.runtime"}
CHANNEL = "channel"
TICKETS, GATEWAY = "tickets", "gateway"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*sorted(LONGEST), TICKETS, GATEWAY])
    parser.add_argument("replay", nargs="*", type=Path, help="inputs to run once each, instead of fuzzing")
    parser.add_argument("--seconds", type=int, default=600, help="how long to fuzz (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the changes to messages (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="for the corpus and the finds (default: build/fuzz/TARGET)")
    parser.add_argument("--keep-going", action="store_true", help="note each find once and go on; default: stop")
    return parser.parse_args(sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else None)


def main() -> None:
    options = arguments()
    flags = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if options.target == TICKETS:
        from .tickets import run

        print(run(options.seconds))
        return
    if options.target == GATEWAY:
        from .gateway import run as send

        print(send(options.seconds))
        return
    if options.replay:
        from .targets import TARGETS

        for file in options.replay:
            TARGETS[options.target](file.read_bytes())
            print(f"{file}: kept its promises")
        return
    try:
        import atheris
    except ImportError:
        if options.target != CHANNEL:
            sys.exit(MISSING)
        from .channel import run

        print(run(options.seconds, options.seed))
        return
    with atheris.instrument_imports(include=[CODE[options.target]]):
        from . import seeds, targets
    folder = options.folder or Path("build/fuzz") / options.target
    corpus, finds = folder / "corpus", folder / "finds"
    for path in (corpus, finds):
        path.mkdir(parents=True, exist_ok=True)
    starts = {"load": seeds.files, "feel": seeds.expressions, CHANNEL: seeds.messages}
    for seed in starts[options.target]():
        (corpus / f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    words = folder / "dictionary.txt"
    words.write_text(seeds.dictionary(), encoding="utf-8")
    target = targets.TARGETS[options.target]
    libfuzzer = [
        f"-max_total_time={options.seconds}", f"-max_len={LONGEST[options.target]}", f"-dict={words}",
        f"-artifact_prefix={finds}/", "-len_control=0", "-timeout=20", "-rss_limit_mb=1024",
        "-print_final_stats=1", *flags,
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *libfuzzer, str(corpus)], noted(target, finds) if options.keep_going else target)
    atheris.Fuzz()


def noted(target: Callable[[bytes], None], folder: Path) -> Callable[[bytes], None]:
    """The target, but what it raises is printed and kept in the folder, once for each place that raises."""
    seen: set[str] = set()

    def run(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            place = next((frame for frame in reversed(frames) if "dmn" in frame.filename), frames[-1])
            key = f"{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}"
            if key not in seen:
                seen.add(key)
                (folder / key).write_bytes(data)
                print(f"FIND {key}: {error!s:.200}\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    return run


if __name__ == "__main__":
    main()
