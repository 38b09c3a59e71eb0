"""One product for the folder, with a victim and an attacker in it; and the figures that the suite prints at its end."""

from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.trust import people
from tests.trust.people import Developer, EndUser
from tests.trust.product import Product, product

Counted = Callable[[str, int], None]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def there(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with product(endpoint, tmp_path_factory.mktemp("product")) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def victim(there: Product) -> EndUser:
    """Nobody in this folder but themselves may see or change what they have."""
    return await people.end_user(there, await people.developer(there))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def attacker(there: Product) -> Developer:
    """A developer in good standing, whose key is good for their own things."""
    return await people.developer(there)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rival(there: Product) -> Developer:
    """A developer whose token the proofs use up and down, so that nobody may count on their key."""
    return await people.developer(there)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shopper(there: Product) -> Developer:
    """A developer on whose platform namesakes of others may come to be customers."""
    return await people.developer(there)


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Say how many cases of a kind a test has tried; the suite prints the sums."""

    def count(kind: str, cases: int) -> None:
        record_property(f"counted: {kind}", cases)

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Properties travel with the reports, so the sums are right on several processes as well."""
    sums: Tally[str] = Tally()
    for report in terminalreporter.stats.get("passed", []):
        for name, cases in report.user_properties:
            if name.startswith("counted: ") and report.when == "call":
                sums[name.removeprefix("counted: ")] += cases
    for kind, cases in sorted(sums.items()):
        terminalreporter.write_line(f"{kind}: {cases}")
