"""Credentials by clicks: hidden until asked, copied, code that runs, rotated with an overlap, revoked, made anew."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import NewPage, Product
from tests.browser.developer import Dashboard, becomes, works

RUNNERS = {"curl": ("sh", "sh"), "Python": (sys.executable, "py"), "JavaScript": ("node", "mjs")}


async def shown_key(page: Page) -> str:
    await page.get_by_role("button", name="Show the API key").click()
    return await page.locator("dl code").nth(1).inner_text()


async def test_a_new_developer_gets_a_key_by_one_click(page: Page, product: Product) -> None:
    await Dashboard.opened(page, product, "overview")
    await page.get_by_role("button", name="Create key").click()
    await expect(page.get_by_text("Your API key is ready.").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_visible()
    assert (await shown_key(page)).startswith("pk_live_")


async def test_the_key_is_hidden_until_it_is_asked_for_and_copied_either_way(
    new_page: NewPage, product: Product
) -> None:
    page = await new_page(permissions=["clipboard-read", "clipboard-write"])
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    key = (await dashboard.call("platform_api", "GET", "/get-credentials"))["apiKey"]
    assert key not in await page.content()
    await page.get_by_role("button", name="Copy the API key").click()
    await expect(page.get_by_text("API key copied.").first).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    assert await shown_key(page) == key
    await page.get_by_role("button", name="Show the API key").click()
    assert key not in await page.content()


@pytest.mark.parametrize("language", list(RUNNERS))
async def test_the_code_to_paste_runs_as_it_is(
    language: str, new_page: NewPage, product: Product, tmp_path: Path
) -> None:
    command, suffix = RUNNERS[language]
    assert shutil.which(command), f"{command} is not installed, so the {language} code can't be tried"
    page = await new_page(permissions=["clipboard-read", "clipboard-write"])
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    key = (await dashboard.call("platform_api", "GET", "/get-credentials"))["apiKey"]
    await page.get_by_role("tab", name=language).click()
    await page.get_by_role("button", name="Copy code").click()
    await expect(page.get_by_text(f"{language} code with your key copied.").first).to_be_visible()
    code = tmp_path / f"call.{suffix}"
    code.write_text(await page.evaluate("navigator.clipboard.readText()"))
    await becomes(product, key, good=True)
    ran = await asyncio.create_subprocess_exec(
        command,
        str(code),
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, wrong = await ran.communicate()
    assert ran.returncode == 0, wrong
    assert b"99" in told  # of the hundred calls that everybody has before anything is published


async def test_languages_are_chosen_by_arrow_keys_too(page: Page, product: Product) -> None:
    await Dashboard.with_platform(page, product, "credentials")
    await page.get_by_role("tab", name="curl").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Python")).to_be_focused()
    await expect(page.get_by_role("tabpanel")).to_contain_text("import json")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("tabpanel")).to_contain_text("await fetch")


async def test_a_rotated_key_works_on_for_the_overlap_that_was_chosen(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    old = await shown_key(page)
    await page.get_by_role("button", name="Rotate key").click()
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-rotate", full=False)
    await page.get_by_label("1 hour").check()
    await page.get_by_role("dialog").get_by_role("button", name="Rotate key").click()
    await expect(page.get_by_text("Your new key is ready. Deploy it to your server.").first).to_be_visible()
    await expect(page.get_by_text("The key before this one still works until")).to_contain_text("in 1 hour")
    new = await shown_key(page)
    assert new != old
    await becomes(product, new, good=True)
    assert await works(product, old)
    await page.get_by_role("button", name="Rotate key").click()
    await page.get_by_label("Not at all: it stops at once").check()
    await page.get_by_role("dialog").get_by_role("button", name="Rotate key").click()
    await expect(page.get_by_text("The key before this one still works")).to_have_count(0)
    await becomes(product, new, good=False)
    await dashboard.settled()


async def test_a_key_is_revoked_only_after_a_question_and_a_new_one_can_be_made(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "credentials")
    key = await shown_key(page)
    await becomes(product, key, good=True)
    await page.get_by_role("button", name="Revoke").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Revoke")).to_be_focused()
    assert await works(product, key)
    await page.get_by_role("button", name="Revoke").click()
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-revoke", full=False)
    await page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    await expect(page.get_by_text("The key is revoked.").first).to_be_visible()
    await becomes(product, key, good=False)
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-credentials-revoked")
    await dashboard.tab("Insights")
    await expect(page.get_by_role("heading", name="Your key is revoked")).to_be_visible()
    await page.get_by_role("link", name="Go to credentials").click()
    await page.get_by_role("button", name="Create new key").click()
    await dashboard.settled()
    assert await shown_key(page) != key


async def test_a_refused_change_is_said_in_the_dialog_and_can_be_tried_again(page: Page, product: Product) -> None:
    await Dashboard.with_platform(page, product, "credentials")
    await page.route("**/rotate-credentials", lambda route: route.fulfill(status=200, body="not json"))
    await page.get_by_role("button", name="Rotate key").click()
    go = page.get_by_role("dialog").get_by_role("button", name="Rotate key")
    await go.click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("can't be read")
    await page.unroute("**/rotate-credentials")
    await go.click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
