"""What the services' log lines tell and no AWS metric does: counted by metric filters, watched by alarms.py.

The words are those that the services log (shared/web/log.py and every `logger.` call); a test holds the two together.
"""

from dataclasses import dataclass
from typing import Any

from infra.deploy.parts import BRIDGE, PLATFORM, SERVICES, TENANT, Resources, Service, sub

NAMESPACE = "dream-api/${Environment}"


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of line. `events` are the lines' words, `where` further conditions, `value` what is taken from them.

    An alarm is raised when the statistic (Sum, or Maximum for a value) passes `more_than` in each of `periods`
    stretches of five minutes.
    """

    name: str
    services: tuple[Service, ...]
    events: tuple[str, ...]
    means: str
    where: str = ""
    value: str = "1"
    more_than: int = 0
    periods: int = 1

    @property
    def statistic(self) -> str:
        return "Sum" if self.value == "1" else "Maximum"

    @property
    def pattern(self) -> str:
        any_of = " || ".join(f'($.event = "{event}")' for event in self.events)
        return f"{{ ({any_of}){self.where} }}"

    def metric(self, service: Service) -> str:
        return f"{service.logical}{self.name}"


WEBHOOK = ' && ($.route = "/webhook/stripe")'

SIGNALS = (
    Signal(
        "WebhookFailed", (PLATFORM, TENANT), ("request",), "Stripe's events fail", f"{WEBHOOK} && ($.status >= 500)"
    ),
    Signal(
        "WebhookRefused",
        (PLATFORM, TENANT),
        ("request",),
        "Stripe's events are refused; is the endpoint's secret the right one?",
        f"{WEBHOOK} && ($.status = 400)",
        more_than=10,
    ),
    Signal("SyncLag", (BRIDGE,), ("sync",), "keys take longer than 2 s to reach the tenant side", "", "$.lagMs", 2000),
    Signal(
        "SyncTrouble",
        (BRIDGE,),
        ("sync failed", "sync waits: the store does not answer"),
        "the worker can't carry keys over",
    ),
    Signal("Drift", SERVICES, ("drift",), "a comparison found what events had missed, and healed it"),
    Signal(
        "ReconcileTrouble",
        (PLATFORM, TENANT),
        ("could not be reconciled", "reconcile failed", "reconcile waits"),
        "billing can't be compared with Stripe",
    ),
    Signal("KeyLeaked", (PLATFORM,), ("key leaked",), "a platform's key was found in public"),
    Signal("Unhandled", SERVICES, ("unhandled",), "an answer was a 500 that nobody foresaw"),
)


def resources() -> Resources:
    return {
        f"{signal.metric(service)}Filter": _filter(signal, service) for signal in SIGNALS for service in signal.services
    }


def _filter(signal: Signal, service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": sub(service.log_group),
            "FilterPattern": signal.pattern,
            "MetricTransformations": [
                {
                    "MetricNamespace": sub(NAMESPACE),
                    "MetricName": signal.metric(service),
                    "MetricValue": signal.value,
                    **({"DefaultValue": 0} if signal.value == "1" else {}),
                }
            ],
        },
    }
