"""How several users share one unit: idle users drive zeros, so their commands are joined by OR."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.lib.wiring import Out


def share(m: Any, unit: Any, users: list[Any]) -> None:
    """Give ``unit``, an interface seen from the unit, to all ``users``, interfaces of the same signature."""
    for name, member in users[0].signature.members.items():
        if member.flow is Out:
            m.d.comb += getattr(unit, name).eq(reduce(or_, [getattr(user, name) for user in users]))
        else:
            m.d.comb += [getattr(user, name).eq(getattr(unit, name)) for user in users]
