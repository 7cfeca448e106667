"""Every page in every state, in light and dark, on a desk and on a phone: accessible, whole and still.

Each state is reached once for each look and everything is held against it there.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import NewVisitor
from tests.browser.states import STATES, Scene

from infra.load.api import Api

pytestmark = pytest.mark.connected

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
CHECK = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}});
  return found.violations.map((v) => [v.id, v.help, v.nodes.map((n) => n.target.join(" "))]);
}"""
"""`page.evaluate` comes by the browser's own protocol: the page's policy stays as strict as it is."""

SHIFTS = """new PerformanceObserver((list) => {
  const sudden = list.getEntries().filter((entry) => !entry.hadRecentInput);
  window.shifted = sudden.reduce((sum, entry) => sum + entry.value, window.shifted ?? 0);
}).observe({type: "layout-shift", buffered: true});"""

LOOKS: dict[str, dict[str, Any]] = {
    f"{device}-{scheme}": {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    for device, width, height in (("desk", 1280, 800), ("phone", 360, 740))
    for scheme in ("light", "dark")
}


@pytest.mark.parametrize("look", LOOKS)
async def test_every_state_is_accessible_fits_and_does_not_shift(
    open_window: NewVisitor, edge: str, look: str
) -> None:
    visitor = await open_window(look, reduced_motion="reduce", **LOOKS[look])
    page = visitor.page
    await page.add_init_script(SHIFTS)
    faults: list[str] = []
    async with Api(edge, connections=8) as api:
        for name, reach in STATES.items():
            scene = Scene(page, edge, api)
            await page.context.clear_cookies()
            await reach(scene)
            await page.evaluate(AXE)
            for rule, words, targets in await page.evaluate(CHECK, TAGS):
                faults.append(f"{name}: {rule} ({words}): {targets}")
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                faults.append(f"{name}: {wide} px wider than the window")
            shifted = await page.evaluate("window.shifted ?? 0")
            if shifted > 0.01:
                faults.append(f"{name}: shifts by {shifted:.3f}")
            await visitor.shot(name)

    assert faults == []
