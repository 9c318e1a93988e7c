"""All of a project that a person or a script can see, in plain values: to be compared item by item."""

from __future__ import annotations

from typing import Any, Dict

from tests.host_resolve.standin.clips import Folder, MediaPoolItem
from tests.host_resolve.standin.items import TimelineItem
from tests.host_resolve.standin.project import Project
from tests.host_resolve.standin.timelines import Timeline


def of(project: Project) -> Dict[str, Any]:
    """The project's bins, timelines, settings and render queue."""
    return {
        "name": project._name,
        "settings": dict(project._settings),
        "bins": _folder(project._pool._root),
        "current bin": project._pool._current._name,
        "current timeline": project._current._name if project._current else None,
        "timelines": {one._name: _timeline(one) for one in project._timelines},
        "presets": {name: repr(one) for name, one in project._presets.items()},
        "deliver": repr(project._deliver),
        "jobs": [(one.id, one.said) for one in project._jobs],
    }


def _folder(folder: Folder) -> Dict[str, Any]:
    return {
        "clips": {f"{one._name} {one._id}": _clip(one) for one in folder._clips},
        "bins": {one._name: _folder(one) for one in folder._folders},
    }


def _clip(clip: MediaPoolItem) -> Dict[str, Any]:
    hidden = {"Usage"}
    return {
        "properties": {name: one for name, one in clip._all().items() if name not in hidden},
        "markers": {at: dict(one) for at, one in clip._markers.items()},
        "flags": list(clip._flags),
        "metadata": [dict(clip._metadata), dict(clip._third)],
        "marks": repr(clip._marks),
    }


def _timeline(line: Timeline) -> Dict[str, Any]:
    return {
        "start": line._start,
        "playhead": line._playhead,
        "settings": dict(line._settings),
        "markers": {at: dict(one) for at, one in line._markers.items()},
        "marks": repr(line._marks),
        "tracks": {
            f"{kind} {at + 1}": {
                "name": track.name,
                "enabled": track.enabled,
                "locked": track.locked,
                "items": [_item(one) for one in track.items],
            }
            for kind, tracks in line._tracks.items()
            for at, track in enumerate(tracks)
        },
    }


def _item(item: TimelineItem) -> Dict[str, Any]:
    return {
        "id": item._id,
        "name": item._name,
        "at": (item._start, item._length()),
        "takes": [(one.clip._id, one.start, one.end) for one in item._takes],
        "selected": item._picked if item._selector else None,
        "speed": str(item._speed),
        "gain": item._gain,
        "enabled": item._enabled,
        "properties": dict(item._properties),
        "markers": {at: dict(one) for at, one in item._markers.items()},
        "flags": list(item._flags),
        "color": item._color,
    }
