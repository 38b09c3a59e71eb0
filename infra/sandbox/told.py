"""What a person wants to know of a running sandbox: where everything is, what to try, and what is left to them.

Called by the supervisor when everything runs.
"""

from infra.sandbox.configured import CONNECT, GITHUB, OWN, SYSTEMS, Configured
from infra.sandbox.layout import DEVELOPERS, END_USERS, PARTS, Layout
from infra.sandbox.seed import DEVELOPER, END_USER, Seeded

TEMPLATES = {
    DEVELOPERS: '{"plan": "{{user.public_metadata.plan}}"}',
    END_USERS: '{"platformId": "{{user.public_metadata.platformId}}", "plan": "{{user.public_metadata.plan}}"}',
}


def running(layout: Layout, seeded: Seeded, configured: Configured) -> str:
    """The whole of it."""
    blocks = [
        "\ndream-api is running.",
        _table(_addresses(layout, configured)),
        _table(_people(seeded)),
        *_to_try(layout, seeded, configured),
        *_left(layout, configured),
        f"{_token(configured)}Logs: {layout.logs}   Start afresh: make reset   Stop: Ctrl-C\n",
    ]
    return "\n\n".join(block for block in blocks if block)


def _addresses(layout: Layout, configured: Configured) -> list[tuple[str, str]]:
    lines = [
        ("platform_api", f"{layout.url('platform_api')}   developers: open it for the dashboard"),
        ("tenant_api", f"{layout.url('tenant_api')}   end-users"),
        ("oauth_bridge", f"{layout.url('oauth_bridge')}   credentials, tiers, connections"),
    ]
    if configured.stands_in(OWN, CONNECT):
        plays = [words for key, words in ((OWN, "payments"), (CONNECT, "Connect")) if configured.stands_in(key)]
        lines.append(("Stripe", f"{layout.url('stripe')}   its stand-in, for {' and '.join(plays)}"))
    if GITHUB in PARTS and configured.stands_in(GITHUB):
        lines.append(("GitHub", f"{layout.url(GITHUB)}   its stand-in"))
    pages = {DEVELOPERS: "developers", END_USERS: "end-users"}
    stand_ins = [f"{layout.url(app)}/sign-in ({who})" for app, who in pages.items() if configured.stands_in(app)]
    if stand_ins:
        lines.append(("sign-in pages", ", ".join(stand_ins)))
    real = [system.name for key, system in SYSTEMS.items() if not configured.stands_in(key)]
    if real:
        lines.append(("real, by .env", ", ".join(real)))
    return lines


def _people(seeded: Seeded) -> list[tuple[str, str]]:
    lines = []
    if seeded.platform_id and seeded.api_key:
        lines = [("developer", DEVELOPER), ("platformId", seeded.platform_id), ("API key", seeded.api_key)]
    if seeded.end_user_id:
        lines.append(("end-user", f"{END_USER} ({seeded.end_user_id})"))
    return lines


def _to_try(layout: Layout, seeded: Seeded, configured: Configured) -> list[str]:
    key = seeded.api_key or "pk_live_…"
    call = f"curl -X POST {layout.url('tenant_api')}/api/data -H 'Authorization: Bearer {key}' -H 'X-User-Id: alice'"
    blocks = [f"Make a metered call:\n\n  {call}"]
    if seeded.api_key and configured.stands_in(GITHUB):
        leak = f"curl -d token={seeded.api_key} {layout.url(GITHUB)}/_sandbox/leak"
        blocks.append(f"Leak the key, as GitHub's scanner would tell of it, and see the dashboard:\n\n  {leak}")
    if seeded.platform_id:
        blocks.append(f"See what end-users see: {layout.url('tenant_api')}/p/{seeded.platform_id}")
    if configured.stands_in(DEVELOPERS):
        token = f'-H "Authorization: Bearer $(make -s token USER={DEVELOPER})"'
        pay = f"curl -X POST {layout.url('platform_api')}/create-checkout {token}"
        blocks.append(f"Pay as the developer (test card 4242 4242 4242 4242) at the address this answers:\n\n  {pay}")
    return blocks


def _left(layout: Layout, configured: Configured) -> list[str]:
    """What nobody but the person can do, where a system is real."""
    platform, tenant, bridge = (layout.url(name) for name in ("platform_api", "tenant_api", "oauth_bridge"))
    steps = {
        DEVELOPERS: f"Clerk app of developers: JWT template `{DEVELOPERS}` with {TEMPLATES[DEVELOPERS]}; then sign in "
        f"there, and get a platform and a key at {platform}/dashboard (or POST /generate-credentials).",
        END_USERS: f"Clerk app of end-users: JWT template `{END_USERS}` with {TEMPLATES[END_USERS]}; end-users sign up "
        f"at {tenant}/signup/<platformId>.",
        OWN: "Stripe: save the settings of the customer portal once.",
        CONNECT: f"Stripe Connect: allow the redirect URI {bridge}/stripe/callback.",
        GITHUB: f"GitHub: the OAuth app's callback is {bridge}/github/callback.",
    }
    lines = [f"  - {words}" for key, words in steps.items() if not configured.stands_in(key)]
    forwards = [
        (OWN, f"--forward-to {platform}/webhook/stripe", "STRIPE__WEBHOOK_SECRET"),
        (CONNECT, f"--forward-connect-to {tenant}/webhook/stripe", "TENANT_STRIPE__WEBHOOK_SECRET"),
    ]
    needed = [(flag, secret) for key, flag, secret in forwards if not configured.stands_in(key)]
    if needed:
        command = " ".join(["stripe listen", *(flag for flag, _ in needed)])
        secrets = " and ".join(secret for _, secret in needed)
        lines.append(f"  - Keep this running; the secret that it prints is {secrets}:\n\n    {command}")
    return ["Left to you, because these systems are real:\n\n" + "\n".join(lines)] if lines else []


def _token(configured: Configured) -> str:
    return f"Get a token: make token USER={DEVELOPER}   " if configured.stands_in(DEVELOPERS) else ""


def _table(lines: list[tuple[str, str]]) -> str:
    return "\n".join(f"  {name:<13}  {value}" for name, value in lines)
