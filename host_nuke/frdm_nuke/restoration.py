"""One restoration from end to end: look what lacks, render its window, have it restored, show it as it comes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Dict, List, Set, Tuple

import nuke

from frdm_bridge.codec import new_id
from frdm_bridge.errors import BridgeError, MessageError
from frdm_bridge.jobs import INTERACTIVE_FRAMES, JobSpec
from frdm_bridge.messages import FrameReady
from frdm_nuke import engine, pixels, ranges, shown
from frdm_nuke.cache import Cache
from frdm_nuke.dispatch import Direct, MainThread
from frdm_nuke.errors import EngineError, NestedRenderError, SetupError, StoppedError
from frdm_nuke.fingerprint import Look, Upstream
from frdm_nuke.graph import INPUTS
from frdm_nuke.plan import Above, ViewPlan
from frdm_nuke.progress import Progress
from frdm_nuke.settings import Wish

CHUNK = 8
"""Frames a job: small, so that the engine works on the first while Nuke renders for the next."""
TRIES = 3
"""Looks at a graph that is changed meanwhile, before it is given up."""
WAIT = 0.1
"""Seconds between two looks whether it shall end."""

_given_up: List[str] = []
"""Jobs of engines that went away; an engine that comes back goes on with them, which nobody wants any more."""


class Restoration:
    """Brings a node's results up to its wish. `run` may be called in a thread, given a MainThread that suits.

    Frames that are done stay, whatever ends it: the next one goes on after them.
    """

    def __init__(self, node: nuke.Node, wish: Wish, main: MainThread, progress: Progress) -> None:
        self.node, self.wish, self._main, self._progress = node, wish, main, progress
        self.notes: List[str] = []
        self.restored = 0
        self._there: Dict[str, Set[int]] = {}
        self._stale: Set[int] = set()
        self._plans: Dict[str, ViewPlan] = {}
        self._plan_of: Dict[str, ViewPlan] = {}
        self._reach = 0
        self._version = ""
        self._done, self._total = 0, 1

    def run(self) -> int:
        """Restores what lacks and returns how many frames that were.

        Raises:
            HostError: of the kind that fits, after all that was under way has been ended.
        """
        lacking = self.look()
        if not any(lacking.values()):
            self._show()
            return 0
        for plan in self._plans.values():
            plan.cache.prepare()
        folder = str(next(iter(self._plans.values())).cache.folder)
        self._tell("reaching the engine")
        program, cancelled = f"nuke {nuke.NUKE_VERSION_STRING}", self._progress.cancelled
        with engine.reach(self.wish.engine, program=program, cache=folder, cancelled=cancelled) as client:
            try:
                self._reach, self._version = client.welcome.reach, client.welcome.version
            except BridgeError as error:
                raise EngineError(str(error)) from error
            jobs = engine.Jobs(client, on_frame=self._hear, on_note=self.notes.append)
            jobs.drop(_given_up)
            try:
                self._work(jobs, lacking)
            finally:
                jobs.cancel()
                _given_up.extend(jobs.open)
        return self.restored

    def look(self) -> Dict[str, Tuple[int, ...]]:
        """The frames that lack, by view.

        Raises:
            SetupError, CacheError: see `settings.read` and `cache`.
        """
        above = self._above()
        for view, cache in self._main.call(self._caches):
            if not cache.folder.is_absolute():
                raise SetupError(
                    f"The cache folder of {self.wish.name} is {cache.folder}, which is no whole path; save the script "
                    "first, or choose a folder on the node's tab Cache."
                )
            self._plans[view] = ViewPlan(view, cache, self.wish, above)
            self._there[view] = cache.frames("result")
        lacking = {view: plan.lacking() for view, plan in self._plans.items()}
        self._stale = {frame for view, frames in lacking.items() for frame in frames if frame in self._there[view]}
        return lacking

    def refresh(self) -> None:
        """Has the node show what is there, and what of it is stale as `summary` has found. After `look`."""
        self._show()

    def summary(self) -> str:
        """How the node stands, in a line. After `look`; it looks at files, so not in an interface's main thread."""
        there = self.there
        self._stale = {frame for view, plan in self._plans.items() for frame in plan.stale(self._there[view])}
        have = sum(1 for frame in self.wish.frames if frame in there)
        parts = [f"{have} of {len(self.wish.frames)} frames restored"]
        if self._stale:
            parts.append(f"{len(self._stale)} stale: settings or what is above have changed since")
        return "; ".join([*parts, *self.notes[-1:]])

    @property
    def there(self) -> Set[int]:
        """The frames that have a result in every view."""
        sets = list(self._there.values())
        return set.intersection(*sets) if sets else set()

    def _above(self) -> Above:
        found = {}
        for name in ("plate", *self.wish.masks):
            found[name] = self._upstream(name)
        return Above(found)

    def _upstream(self, name: str) -> Upstream:
        for _ in range(TRIES):
            look = self._main.call(self._look_at, name)
            try:
                while self._main.call(look.go_on):
                    self._check()
                return look.upstream()
            except ValueError:
                self._check()  # a node was deleted between two slices: from the beginning
        raise SetupError(f"What is above {self.wish.name} changes all the time; restore again when it rests.")

    def _look_at(self, name: str) -> Look:
        return Look(self.node.input(INPUTS.index(name)), full=self.wish.scale == 1.0)

    def _work(self, jobs: engine.Jobs, lacking: Dict[str, Tuple[int, ...]]) -> None:
        frames = sum(len(some) for some in lacking.values())
        windows = sum(
            len(plan.unrendered("plate", ranges.windows(lacking[view], self._reach, self.wish.hull)))
            for view, plan in self._plans.items()
        )
        self._done, self._total = 0, frames + windows
        batch = frames > INTERACTIVE_FRAMES
        for view, plan in self._plans.items():
            streamed = bool(lacking[view]) and not jobs.sees(plan.cache.folder, self.wish.engine)
            inside, beyond = _split(lacking[view], self.wish.span)
            for chunk in ranges.chunks(inside, CHUNK):
                self._render(plan, chunk, jobs)
                self._hand_in(plan, chunk, jobs, batch=batch, streamed=streamed)
            for frame in beyond:
                # Alone, as its window holds frames that those of the plate must not see.
                self._finish(jobs)
                self._render(plan, (frame,), jobs)
                self._hand_in(plan, (frame,), jobs, batch=batch, streamed=streamed)
        self._finish(jobs)

    def _render(self, plan: ViewPlan, chunk: Tuple[int, ...], jobs: engine.Jobs) -> None:
        """Renders what the chunk needs and lacks, and listens to the engine between the frames."""
        plan.cache.forget("plate", plan.out_of_place(chunk, self._reach))
        near = {n for frame in chunk for n in ranges.window(frame, self._reach, plan.span(frame))}
        for role, frames in (("plate", near), *((name, set(chunk)) for name in self.wish.masks)):
            for frame in plan.unrendered(role, frames):
                self._tell(f"rendering {role} {frame}{self._in(plan)}")
                made_of = plan.part_of(role, frame)
                self._render_one(role, frame, plan.view)
                plan.cache.vouch(role, frame, made_of)
                self._done += role == "plate"
                jobs.pump(0)
                self._check()

    def _render_one(self, role: str, frame: int, view: str) -> None:
        full = self.wish.scale == 1.0

        def render() -> None:
            # Each time: a look for other settings may have been at the node since.
            shown.point(self.node, self.wish)
            pixels.render(self.node, role, frame, view, pixels=self.wish.pixels, full=full)

        while True:
            try:
                return self._main.call(render)
            except NestedRenderError:
                # In the interface the artist renders something: that ends, and then it is our turn.
                if isinstance(self._main, Direct):
                    raise
                self._tell("waiting for Nuke to end another render")
                self._check()
                time.sleep(WAIT)

    def _hand_in(
        self, plan: ViewPlan, chunk: Tuple[int, ...], jobs: engine.Jobs, *, batch: bool, streamed: bool
    ) -> None:
        try:
            spec = self._spec(plan, chunk, batch=batch)
        except MessageError as error:
            raise SetupError(f"{self.wish.name} cannot be handed to the engine: {error}") from error
        self._tell(f"restoring {ranges.text(chunk)}{self._in(plan)}")
        name = new_id()
        self._plan_of[name] = plan
        if streamed:
            jobs.stream(name, replace(spec, path_map=()), cancelled=self._progress.cancelled)
        else:
            jobs.hand_in(name, spec)
        self._check()

    def _spec(self, plan: ViewPlan, chunk: Tuple[int, ...], *, batch: bool) -> JobSpec:
        cache, wish = plan.cache, self.wish
        return JobSpec(
            source=cache.pattern("plate"),
            output=cache.pattern("result"),
            matte=cache.pattern("matte"),
            protect=cache.pattern("protect") if "protect" in wish.masks else "",
            force=cache.pattern("force") if "force" in wish.masks else "",
            frames=ranges.text(chunk),
            colourspace=wish.colourspace,
            cuts=wish.cuts,
            existing="overwrite",
            settings=wish.settings,
            priority="batch" if batch else "interactive",
            path_map=wish.engine.path_map,
            label=f"{wish.name}{self._in(plan)}"[:128],
        )

    def _finish(self, jobs: engine.Jobs) -> None:
        while jobs.open:
            jobs.pump(WAIT)
            self._check()

    def _hear(self, job: str, event: FrameReady) -> None:
        """A frame is whole: it is noted, and shown."""
        plan = self._plan_of[job]
        facts = {**plan.made_of(event.frame, self._reach), "engine": self._version, "changed": event.changed}
        plan.cache.vouch("result", event.frame, facts)
        self._there[plan.view].add(event.frame)
        self._stale.discard(event.frame)
        self.restored += 1
        self._done += 1
        self._show()
        self._tell(f"restored {event.frame}{self._in(plan)}")

    def _show(self) -> None:
        there, stale = frozenset(self.there), frozenset(self._stale)

        def show() -> None:
            shown.point(self.node, self.wish)
            shown.has(self.node, there, self.wish.span, stale)

        self._main.call(show)

    def _caches(self) -> Tuple[Tuple[str, Cache], ...]:
        shown.point(self.node, self.wish)
        return shown.caches(self.node, self.wish)

    def _tell(self, text: str) -> None:
        self._progress.tell(text, self._done, self._total)

    def _check(self) -> None:
        if self._progress.cancelled():
            raise StoppedError(f"Restoring {self.wish.name} was cancelled; frames that are done stay.")

    def _in(self, plan: ViewPlan) -> str:
        return f" ({plan.view})" if len(self._plans) > 1 else ""


def _split(frames: Tuple[int, ...], span: Tuple[int, int]) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    """Frames of the plate, and those beyond its ends."""
    inside = tuple(frame for frame in frames if span[0] <= frame <= span[1])
    return inside, tuple(frame for frame in frames if not span[0] <= frame <= span[1])
