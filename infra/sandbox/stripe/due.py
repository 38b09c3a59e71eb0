"""When the clock next has work with an object: pure, read by the store on every write and by `lifecycle`."""

from infra.sandbox.stripe.errors import Object

DAY = 86_400
INCOMPLETE_SECONDS = 23 * 3600
TRIAL_NOTICE_SECONDS = 3 * DAY


def due_at(thing: Object) -> int | None:
    """The earliest instant at which something happens to this object by itself; None when nothing ever does."""
    if thing.get("deleted"):
        return None
    if thing["object"] == "checkout.session":
        return int(thing["expires_at"]) if thing["status"] == "open" else None
    if thing["object"] == "subscription":
        times = [time for time in _subscription_times(thing) if time is not None]
        return min(times) if times else None
    return None


def _subscription_times(subscription: Object) -> list[int | None]:
    status = subscription["status"]
    if status in {"canceled", "incomplete_expired"}:
        return []
    if status == "incomplete":
        return [subscription["created"] + INCOMPLETE_SECONDS]
    times = [subscription["cancel_at"], _pending(subscription)]
    if status == "paused":
        return times
    return [*times, period_end(subscription), subscription["_sandbox"].get("retry_at"), trial_notice_at(subscription)]


def period_end(subscription: Object) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def trial_notice_at(subscription: Object) -> int | None:
    """When `trial_will_end` goes out: three days before, or at once in a shorter trial."""
    if subscription["status"] != "trialing" or subscription["_sandbox"].get("trial_notice"):
        return None
    return max(int(subscription["trial_start"]), int(subscription["trial_end"]) - TRIAL_NOTICE_SECONDS)


def _pending(subscription: Object) -> int | None:
    return subscription["pending_update"]["expires_at"] if subscription["pending_update"] else None
