"""The policies of a fresh PolicyStore, for use cases that run without one."""

from decimal import Decimal

from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE


class DefaultPolicies:
    """The catalogue's defaults, but for what is changed. What is not in the catalogue does not exist."""

    def __init__(self, *, revision: int = 1, **changed: str) -> None:
        self.revision = revision
        self.changed = changed

    def text(self, key: str) -> str:
        return str(self.changed.get(key, CATALOGUE[key].default))

    def decimal(self, key: str) -> Decimal:
        return Decimal(self.text(key))

    def integer(self, key: str) -> int:
        return int(self.decimal(key))

    def boolean(self, key: str) -> bool:
        return self.text(key).lower() == "true"
