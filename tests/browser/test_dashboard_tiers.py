"""Tiers by clicks: edited with the pricing page beside them, faults at their fields, published, previewed."""

from playwright.async_api import Dialog, Locator, Page, expect

from tests.browser import looks
from tests.browser.conftest import Product
from tests.browser.developer import Dashboard
from tests.browser.watch import Watcher

EVIL = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>"


def tier(page: Page, name: str) -> Locator:
    return page.locator("details.tier").filter(has=page.locator("summary .name", has_text=name))


async def unfold(page: Page, name: str) -> Locator:
    found = tier(page, name)
    await found.locator("summary").click()
    return found


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save draft").click()
    await expect(page.get_by_text("Draft saved.").first).to_be_visible()


async def publish(page: Page) -> str:
    """Publish; answers the summary that was shown before."""
    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    told = await dialog.inner_text()
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(dialog).to_have_count(0)
    return told


async def add_granted(page: Page, name: str) -> Locator:
    """A new tier that needs no Stripe account."""
    await page.get_by_role("button", name="Add a tier").click()
    made = page.locator("details.tier").last
    await made.get_by_label("Display name").fill(name)
    await made.get_by_label("Price", exact=True).select_option("granted")
    return made


async def test_what_is_typed_is_seen_beside_it_before_anything_is_saved(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "tiers")
    await page.get_by_role("button", name="Add a tier").click()
    made = page.locator("details.tier").last
    await made.get_by_label("Display name").fill("Team Plus")
    assert await made.get_by_label("Name", exact=True).input_value() == "team-plus"
    await made.get_by_label("Amount").fill("19.50")
    await made.get_by_label("Currency").fill("eur")
    await made.get_by_label("Free trial, days").fill("14")
    await made.get_by_label("Calls a month", exact=True).fill("25 000")
    await made.get_by_label("Calls a minute: unlimited").check()
    await made.get_by_label("Features").fill("Priority support\nSingle sign-on")
    await made.get_by_label("Mark as most popular").check()
    preview = page.get_by_role("complementary", name="Preview of the pricing page")
    for text in ("Team Plus", "€19.50", "per month", "14 days free, then monthly.", "25,000 calls a month"):
        await expect(preview).to_contain_text(text)
    for text in ("No limit per minute", "Priority support", "Single sign-on", "Most popular", "Start free trial"):
        await expect(preview).to_contain_text(text)
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    await looks.axe(page)
    await looks.fits(page)
    await looks.portraits(page, "dashboard-tiers-editing")
    await save(page)
    await page.reload()
    await dashboard.settled()
    draft = (await dashboard.call("oauth_bridge", "GET", "/tiers"))["draft"]["tiers"][-1]
    assert draft == {
        "name": "team-plus",
        "displayName": "Team Plus",
        "limit": 25_000,
        "rateLimitPerMinute": -1,
        "price": {"amount": 1950, "currency": "eur", "interval": "month"},
        "features": ["Priority support", "Single sign-on"],
        "popular": True,
        "trialDays": 14,
    }
    await expect(tier(page, "Team Plus").locator("summary")).to_contain_text("€19.50 / month")


async def test_faults_are_told_at_their_fields_whoever_finds_them(
    page: Page, product: Product, watcher: Watcher
) -> None:
    await Dashboard.with_platform(page, product, "tiers")
    made = await add_granted(page, "Fine")
    await made.get_by_label("Calls a month", exact=True).fill("many")
    await page.get_by_role("button", name="Save draft").click()
    limit = made.get_by_label("Calls a month", exact=True)
    await expect(limit).to_be_focused()
    await expect(limit).to_have_attribute("aria-invalid", "true")
    await expect(made.get_by_text("Write a whole number.")).to_be_visible()
    watcher.expect(400, "/tiers")
    await limit.fill("0")
    await made.get_by_label("Name", exact=True).fill("Not Good!")
    await page.get_by_role("button", name="Save draft").click()
    await expect(made.get_by_text("A limit is a whole number of at least 1")).to_be_visible()
    await expect(made.get_by_text("A name is 1 to 40 characters")).to_be_visible()
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-tiers-faults")
    await expect(page.get_by_text("The draft is not saved: 2 fields need a look.").first).to_be_visible()
    await limit.fill("10")
    await made.get_by_label("Name", exact=True).fill("fine")
    await save(page)
    await expect(page.locator("[aria-invalid]")).to_have_count(0)


async def test_publishing_says_first_what_changes_and_versions_come_back(page: Page, product: Product) -> None:
    dashboard = await Dashboard.with_platform(page, product, "tiers")
    await add_granted(page, "Partner")
    told = await publish(page)
    assert "Partner: new" in told
    await expect(page.get_by_text("Version 1 is live").first).to_be_visible()
    free = await unfold(page, "Free")
    await free.get_by_label("Calls a month", exact=True).fill("250")
    await tier(page, "Partner").locator("summary").click()
    await tier(page, "Partner").get_by_role("button", name="Remove tier").click()
    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("100 → 250 calls a month, for ")
    await expect(dialog).to_contain_text("Partner: removed")
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-publish", full=False)
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("Version 2 is live").first).to_be_visible()
    await dashboard.settled()
    await page.get_by_role("button", name="Roll back to version 1").click()
    await expect(page.get_by_role("dialog")).to_contain_text("250 → 100 calls a month")
    await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(page.get_by_text("Version 3 is live").first).to_be_visible()
    published = (await dashboard.call("oauth_bridge", "GET", "/tiers"))["published"]
    assert (published["version"], [one["name"] for one in published["tiers"]]) == (3, ["free", "partner"])


async def test_a_price_without_stripe_is_refused_with_the_way_there(
    page: Page, product: Product, watcher: Watcher
) -> None:
    await Dashboard.with_platform(page, product, "tiers")
    await page.get_by_role("button", name="Add a tier").click()
    await page.locator("details.tier").last.get_by_label("Display name").fill("Pro")
    watcher.expect(409, "/tiers/publish")
    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Publish", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Connect a Stripe account")
    await expect(dialog.get_by_role("alert")).to_contain_text("Request req_")
    await dialog.get_by_role("link", name="Connect Stripe").click()
    await expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()


async def test_a_preview_link_is_made_and_revoked(page: Page, product: Product) -> None:
    await Dashboard.with_platform(page, product, "tiers")
    await add_granted(page, "Soon")
    await page.get_by_role("button", name="Preview link").click()
    dialog = page.get_by_role("dialog", name="Preview link")
    address = await dialog.locator("code").inner_text()
    assert address.startswith(product.url("tenant_api", "/preview/"))
    assert await dialog.get_by_role("link", name="Open preview").get_attribute("href") == address
    await looks.axe(page)
    await looks.screenshot(page, "dashboard-preview-link", full=False)
    await dialog.get_by_role("button", name="Revoke all links").click()
    await expect(page.get_by_text("Every preview link so far is revoked.").first).to_be_visible()


async def test_name_and_return_addresses_are_kept_and_a_bad_one_is_named(
    page: Page, product: Product, watcher: Watcher
) -> None:
    dashboard = await Dashboard.with_platform(page, product, "tiers")
    watcher.expect(400, "/settings")
    await page.get_by_label("Name", exact=True).last.fill("Acme Weather")
    await page.get_by_label("Return addresses").fill("https://app.example.com\nhttps://app.example.com/path")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("https://app.example.com/path: An origin is")).to_be_visible()
    await expect(page.get_by_label("Return addresses")).to_be_focused()
    await page.get_by_label("Return addresses").fill("https://app.example.com")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Name and return addresses are saved.").first).to_be_visible()
    preview = page.get_by_role("complementary", name="Preview of the pricing page")
    await expect(preview).to_contain_text("Choose how you use Acme Weather.")
    settings = await dashboard.call("oauth_bridge", "GET", "/settings")
    assert (settings["name"], settings["origins"]) == ("Acme Weather", ["https://app.example.com"])


async def test_unsaved_work_is_not_left_without_a_question(page: Page, product: Product) -> None:
    await Dashboard.with_platform(page, product, "tiers")
    await add_granted(page, "Precious")
    answers = [False, True]
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.accept() if answers.pop(0) else dialog.dismiss())

    page.on("dialog", answer)
    await page.get_by_role("link", name="Insights").click()
    await expect(page.get_by_role("heading", name="Tiers", level=1)).to_be_visible()
    await expect(tier(page, "Precious")).to_be_visible()
    assert page.url.endswith("#tiers")
    await page.get_by_role("link", name="Credentials").click()
    await expect(page.get_by_role("heading", name="Credentials", level=1)).to_be_visible()
    assert asked == ["Leave without saving your draft?"] * 2


async def test_what_users_write_is_never_run(page: Page, product: Product, watcher: Watcher) -> None:
    watcher.expect(404, "/api/developer/customer")  # nobody of that id has ever called
    dashboard = await Dashboard.with_platform(page, product, "tiers")
    made = await add_granted(page, EVIL[:60])
    await made.get_by_label("Name", exact=True).fill("evil")
    await made.get_by_label("Features").fill(EVIL)
    await page.get_by_label("Name", exact=True).last.fill(EVIL[:60])
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Name and return addresses are saved.").first).to_be_visible()
    told = await publish(page)
    assert EVIL[:34] in told
    for view in ("tiers", "overview", "customers", "insights"):
        await dashboard.open(view)
    await dashboard.open("customers/" + "%3Cscript%3Ewindow.ran%3Dtrue%3C%2Fscript%3E")
    await expect(page.get_by_role("heading", name="Never seen")).to_be_visible()
    assert await page.evaluate("window.ran") is None
    await dashboard.open("tiers")
    assert await page.locator("main img, main script").count() == 0
    await expect(page.locator(".offer").filter(has_text="<script>window.ran")).to_be_visible()
