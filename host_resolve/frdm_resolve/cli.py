"""`frdm-resolve`: the same from a terminal, also with Resolve running without an interface (`resolve -nogui`)."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from frdm_bridge.jobs import CLASSES
from frdm_resolve import clips, dialog, remove, runs, settings
from frdm_resolve.errors import AdapterError, StoppedError
from frdm_resolve.session import Open, connect, opened
from frdm_resolve.settings import Options

DONE, FAILED, WRONG, SOME, STOPPED = 0, 1, 2, 3, 130
"""Exit codes: all done; failed; asked wrongly or Resolve not reached; some clips refused or failed; cancelled."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command and returns its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "status":
            return _status()
        if asked.command == "remove":
            return _ended(remove.remove(opened(connect(), timeline=False)))
        options = _options(asked)
        options.check()
        found = opened(connect(), timeline=options.clips != "pool")
        outcomes, refused = _restored(found, options, _tell, lambda: False)
        return _ended(outcomes, refused)
    except StoppedError as error:
        print(error, file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print("Stopped; what is placed stays, and a later run goes on after it.", file=sys.stderr)
        return STOPPED
    except AdapterError as error:
        print(error, file=sys.stderr)
        return WRONG


def script(names: Mapping[str, Any], *, what: str = "restore") -> None:
    """What the scripts of Resolve's menu do; ``names`` are those that Resolve gave them."""
    try:
        session = connect(names)
        if what == "remove":
            for one in remove.remove(opened(session, timeline=False)):
                print(one.said)
            return
        file = settings.path()

        def work(options: Options, tell: Any, cancelled: Any) -> List[str]:
            found = opened(session, timeline=options.clips != "pool")
            outcomes, refused = _restored(found, options, tell, cancelled)
            return [*(one.said for one in outcomes), *refused]

        dialog.show(session, settings.load(file), work, lambda options: settings.save(options, file))
    except AdapterError as error:
        print(error)


def _restored(found: Open, options: Options, tell: Any, cancelled: Any) -> Tuple[List[runs.Outcome], List[str]]:
    with found.answering():
        shots, refused = clips.choose(found, options.clips, value=options.value, names=options.names)
    return runs.restore(found, shots, options, tell=tell, cancelled=cancelled), refused


def _ended(outcomes: Sequence[runs.Outcome], refused: Sequence[str] = ()) -> int:
    for one in outcomes:
        print(one.said, file=sys.stdout if one.state in ("done", "kept") else sys.stderr)
    for sentence in refused:
        print(sentence, file=sys.stderr)
    if not outcomes and not refused:
        print("There is nothing to do.")
    bad = len(refused) + sum(one.state in ("refused", "failed") for one in outcomes)
    return DONE if not bad else FAILED if bad == len(outcomes) + len(refused) else SOME


def _status() -> int:
    session = connect()
    print(f"{session.product} {'.'.join(str(one) for one in session.version)}")
    found = opened(session, timeline=False)
    print(f"project {found.name}, timeline {found.timeline.GetName() if found.timeline else '(none is open)'}")
    return DONE


def _tell(what: str, done: int, total: int, left: Optional[float]) -> None:
    print(dialog.progress(what, done, total, left), file=sys.stderr)


def _options(asked: argparse.Namespace) -> Options:
    before = settings.load(settings.path()) if asked.remembered else Options()
    told = {name: getattr(asked, name) for name in vars(before) if getattr(asked, name, None) is not None}
    if "fix" in told:
        told["fix"] = tuple(one.strip() for one in told["fix"].split(",") if one.strip())
    if "names" in told:
        told["names"] = tuple(told["names"])
    return replace(before, **told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="frdm-resolve", description="Restore clips of an open DaVinci Resolve.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="say which Resolve, project and timeline are found")
    commands.add_parser("remove", help="take the results out of the project again; files stay on the disk")
    restore = commands.add_parser("restore", help="restore clips and place the results")
    restore.add_argument("--clips", choices=clips.WAYS_IN, help="which clips (current)")
    restore.add_argument("--value", metavar="COLOUR", help="the clip colour or flag for --clips colour or flag")
    restore.add_argument("--names", nargs="+", metavar="NAME", help="media-pool clips for --clips pool")
    restore.add_argument("--place", choices=settings.WAYS_OUT, help="where the result goes (track)")
    restore.add_argument("--handles", type=int, metavar="N", help="frames more at either end (0)")
    restore.add_argument("--fix", metavar="LIST", help=f"what to repair ({','.join(CLASSES)})")
    restore.add_argument("--strength", type=float, help="how readily a pixel counts as damaged (1)")
    restore.add_argument("--grain", type=float, help="share of missing grain given back (1)")
    restore.add_argument("--seed", type=int, help="key of all noise (0)")
    restore.add_argument("--steps", type=int, help="sampling steps; 0: the model's own number (0)")
    restore.add_argument("--colourspace", metavar="NAME", help="auto, or a name of the engine's (auto)")
    restore.add_argument("--folder", metavar="DIR", help="where results go (FRDM in the home folder)")
    restore.add_argument("--connection", metavar="FILE", help="the engine's connection file (your own engine)")
    restore.add_argument("--remembered", action="store_true", help="begin with the settings of the window")
    return parser


if __name__ == "__main__":
    sys.exit(main())
