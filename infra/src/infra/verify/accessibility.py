"""Accessibility faults of an open page, for users of screen readers and of small windows."""

from pathlib import Path

from playwright.async_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
CHECK = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}});
  return found.violations.map((v) => [v.id, v.help, v.nodes.map((n) => n.target.join(" "))]);
}"""
"""Script for `page.evaluate`, which uses the browser's own protocol: the page's content security policy stays
strict.
"""


async def faults(page: Page) -> list[str]:
    """Violations of WCAG 2.2 A and AA and of axe's best practices, and elements wider than the window."""
    await page.evaluate(AXE)
    found = [f"{rule} ({words}): {targets}" for rule, words, targets in await page.evaluate(CHECK, TAGS)]
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, f"{wide} px wider than the window"] if wide > 0 else found
