"""Every page in every state, in light and dark, on a desktop, a tablet and a phone: accessible, whole, still.

Each state is reached once for each look, and all checks of that look run there.
"""

from typing import Any

import pytest
from tests.browser.conftest import NewVisitor
from tests.browser.states import STATES, Scene

from infra.actors.api import Api
from infra.verify import accessibility

pytestmark = pytest.mark.connected

SHIFTS = """new PerformanceObserver((list) => {
  const sudden = list.getEntries().filter((entry) => !entry.hadRecentInput);
  window.shifted = sudden.reduce((sum, entry) => sum + entry.value, window.shifted ?? 0);
}).observe({type: "layout-shift", buffered: true});"""

STILL = "for (let timer = setTimeout(() => {}); timer > 0; timer -= 1) clearTimeout(timer);"
"""Stops the page's timers: the end of a hold of five seconds must not take the page away from a check."""

LOOKS: dict[str, dict[str, Any]] = {
    f"{device}-{scheme}": {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    for device, width, height in (("desk", 1280, 800), ("tablet", 768, 1024), ("phone", 360, 740))
    for scheme in ("light", "dark")
}
LOOKS["desk-chinese"] = {**LOOKS["desk-light"], "locale": "zh-CN"}
LOOKS["phone-chinese"] = {**LOOKS["phone-dark"], "locale": "zh-CN"}

SHORT = ("desk-light", "phone-dark")


@pytest.mark.parametrize(
    "look", [pytest.param(look, marks=() if look in SHORT else pytest.mark.thorough) for look in LOOKS]
)
async def test_every_state_is_accessible_fits_and_does_not_shift(
    open_window: NewVisitor, edge: str, look: str
) -> None:
    visitor = await open_window(look, reduced_motion="reduce", **LOOKS[look])
    page = visitor.page
    await page.add_init_script(SHIFTS)
    faults: list[str] = []
    async with Api(edge, connections=8) as api:
        for name, reach in STATES.items():
            scene = Scene(page, edge, api, chinese="locale" in LOOKS[look])
            await page.context.clear_cookies()
            await reach(scene)
            await page.evaluate(STILL)
            faults += [f"{name}: {fault}" for fault in await accessibility.faults(page)]
            shifted = await page.evaluate("window.shifted ?? 0")
            if shifted > 0.01:
                faults.append(f"{name}: shifts by {shifted:.3f}")
            await visitor.shot(name)

    assert faults == []
