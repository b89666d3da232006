"""Who asks: the operator, who has the centre's own token, a runtime with one of its own, or an account."""

from dataclasses import dataclass
from enum import StrEnum

from mlc.standalone.access.accounts.account import Account, AccountRole


class Role(StrEnum):
    """What a principal is."""

    OPERATOR = "operator"
    RUNTIME = "runtime"
    ACCOUNT = "account"
    HERE = "here"
    """Whoever sits at the centre's own machine, without a token: reads the pages, and nothing else."""


@dataclass(frozen=True)
class Principal:
    """Who asks.

    ``name`` is a runtime's, as it was issued: names that differ by case are two runtimes; or an account's.
    """

    role: Role
    name: str = ""
    account: Account | None = None

    @property
    def is_runtime(self) -> bool:
        return self.role is Role.RUNTIME

    def may(self, role: AccountRole) -> bool:
        """Whether it may what an account of this role may."""
        if self.role is Role.OPERATOR:
            return True
        return self.account is not None and self.account.may(role)

    @classmethod
    def of(cls, account: Account) -> "Principal":
        return cls(Role.ACCOUNT, account.name, account)


OPERATOR = Principal(Role.OPERATOR)
HERE = Principal(Role.HERE)
