"""What an environment costs a month, from prices and quantities that are all stated here.

`python -m infra.deploy cost ENV` prints the table that README.md has. Change a price or a need here, and see.
"""

from dataclasses import dataclass

from infra.deploy import watch_stack
from infra.deploy.environment import Environment
from infra.deploy.network import SUBNETS
from infra.deploy.parts import SERVICES

HOURS = 730
SECONDS = HOURS * 3600
GB = 1e9
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices in US dollars, us-east-1, Linux on x86, early 2026, without free allowances.

    From public price lists as they were known then: look yours up before you rely on a sum.
    """

    vcpu_hour: float = 0.04048
    memory_gb_hour: float = 0.004445
    address_hour: float = 0.005
    balancer_hour: float = 0.0225
    balancer_unit_hour: float = 0.008
    million_writes: float = 0.625
    million_reads: float = 0.125
    stored_gb: float = 0.25
    recovery_gb: float = 0.20
    log_gb: float = 0.50
    alarm: float = 0.10
    metric: float = 0.30
    dashboard: float = 3.0
    secret: float = 0.40
    traffic_out_gb: float = 0.09


@dataclass(frozen=True, slots=True)
class Quantities:
    """What a call and the services at rest need."""

    writes_a_call: float = 1.0  # at most: calls of one user at the same time share one; an Idempotency-Key takes 4
    reads_a_call: float = 1.0  # at most: the key's look-up is good for 0.75 s
    log_bytes_a_call: float = 380
    bytes_out_a_call: float = 1_500
    polls_a_second: float = 8  # two bridges, four looks at the outbox a second each
    cursor_writes_a_second: float = 0.4
    health_lines_a_second: float = 1.6
    stored_gb: float = 1.0  # about a million end-users
    calls_a_second_a_unit: float = 25  # new connections in one capacity unit of the balancer, none kept open


def lines(
    calls: float, size: Environment, prices: Prices | None = None, needs: Quantities | None = None
) -> dict[str, float]:
    """Dollars a month by what they are for."""
    cost, need = prices or Prices(), needs or Quantities()
    tasks = size.least_tasks * len(SERVICES)
    task_hour = size.task_cpu / 1024 * cost.vcpu_hour + size.task_memory / 1024 * cost.memory_gb_hour
    units = max(calls / SECONDS / need.calls_a_second_a_unit, calls * need.bytes_out_a_call / GB / HOURS)
    writes = calls * need.writes_a_call + need.cursor_writes_a_second * SECONDS
    reads = calls * need.reads_a_call + need.polls_a_second * SECONDS
    logged = (calls + need.health_lines_a_second * SECONDS) * need.log_bytes_a_call
    return {
        f"{tasks} tasks": tasks * task_hour * HOURS,
        "load balancer": (cost.balancer_hour + units * cost.balancer_unit_hour) * HOURS,
        "public addresses": (tasks + len(SUBNETS)) * cost.address_hour * HOURS,
        "DynamoDB writes": writes / MILLION * cost.million_writes,
        "DynamoDB reads": reads / MILLION * cost.million_reads,
        "DynamoDB storage, recovery": need.stored_gb * (cost.stored_gb + cost.recovery_gb),
        "logs": logged / GB * cost.log_gb,
        "alarms, metrics, dashboard": _watched(cost),
        "secrets": len(SERVICES) * cost.secret,
        "traffic out": calls * need.bytes_out_a_call / GB * cost.traffic_out_gb,
    }


def _watched(cost: Prices) -> float:
    kinds = [one["Type"] for one in watch_stack.template()["Resources"].values()]
    alarms, metrics = kinds.count("AWS::CloudWatch::Alarm"), kinds.count("AWS::Logs::MetricFilter")
    return alarms * cost.alarm + metrics * cost.metric + cost.dashboard


CALLS = (0, 1_000_000, 100_000_000)


def table(size: Environment) -> str:
    """The README's table, in whole dollars: more would only look exact."""
    columns = [lines(calls, size) for calls in CALLS]
    sums = (f"**${sum(column.values()):.0f}**" for column in columns)
    rows = ["| A month | 0 calls | 1 M calls | 100 M calls |", "|---|---:|---:|---:|"]
    for name in columns[0]:
        rows += [f"| {name} | " + " | ".join(f"{column[name]:.0f}" for column in columns) + " |"]
    return "\n".join([*rows, f"| **together, about** | {' | '.join(sums)} |"])
