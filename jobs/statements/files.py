"""The bank's files: all read and checked before Odoo is asked anything, and each put to the journal of its account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.errors import BalanceMismatch, ConfigError, InputError
from connector.stock.statements import BankJournal
from mappings.formats import open_statements
from mappings.party import mask_iban
from mappings.statement import Statement, check

CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class BankFile:
    """The entries of one account in one file; `digest` is 16 hex of the file's bytes."""

    name: str
    digest: str
    statement: Statement

    @property
    def has_balance(self) -> bool:
        """The file says what the account held."""
        return self.statement.opening is not None


def read_files(paths: Iterable[Path]) -> list[BankFile]:
    """Read and check files, those with balances first, then in order of their period.

    Raises:
        InputError: one of them cannot be read, or does not add up.
    """
    found: dict[tuple[str, str, int], BankFile] = {}
    for path in paths:
        statements = list(open_statements(path))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for statement in statements:
            if statement.entries:
                _require_checked(statement, path.name)
                found[digest, statement.account, statement.position] = BankFile(path.name, digest, statement)
    return sorted(found.values(), key=lambda file: (not file.has_balance, file.statement.from_date,
                                                    file.statement.to_date))


def _require_checked(statement: Statement, name: str) -> None:
    for result in check(statement):
        if not result.ok:
            error = InputError if result.code == "currency" else BalanceMismatch
            raise error(f"account {mask_iban(statement.account)}: {result.message}.", source=name,
                        remedy="Download the file from the bank again; nothing was written.")


def place(files: Sequence[BankFile], journals: Sequence[BankJournal],
          code: str | None) -> Iterator[tuple[BankFile, BankJournal]]:
    """Yield every file with its journal: the one that has its account, or the one that was named for it.

    Raises:
        ConfigError: there is no such journal, or it is not clear which.
        InputError: the file is of another account than the journal's.
    """
    named = next((journal for journal in journals if journal.code == code), None) if code else None
    if code and named is None:
        known = ", ".join(journal.code for journal in journals) or "none"
        raise ConfigError(f'There is no bank journal with code "{code}".', remedy=f"Bank journals: {known}.")
    accounts: dict[int, str] = {}
    for file in files:
        journal = _journal(file, journals, named)
        if accounts.setdefault(journal.id, file.statement.account) != file.statement.account:
            raise InputError("it has entries of more than one account, and only one can be this journal's.",
                             source=file.name, remedy="Set the bank account on each journal in Odoo, and leave "
                                                      "--journal out.")
        if (journal.currency or CURRENCY) != file.statement.currency:
            raise InputError(f"it is in {file.statement.currency}, journal {journal.code} in {journal.currency}.",
                             source=file.name)
        yield file, journal


def _journal(file: BankFile, journals: Sequence[BankJournal], named: BankJournal | None) -> BankJournal:
    account = file.statement.account
    fitting = [journal for journal in journals if _is_of(account, journal)]
    if named is not None:
        if named in fitting or not (named.iban or fitting):
            return named
        whose = f"journal {fitting[0].code}" if fitting else "another account"
        raise InputError(f"account {mask_iban(account)} is that of {whose}, not of journal {named.code}.",
                         source=file.name, remedy="Leave --journal out, or give the file of that journal's account.")
    if len(fitting) != 1:
        what = f"{len(fitting)} bank journals have" if fitting else "no bank journal has"
        raise ConfigError(f"{file.name}: {what} the account {mask_iban(account)}.",
                          remedy="Set it on the bank journal in Odoo (Invoicing → Configuration → Journals → Bank "
                                 "Account), or name a journal without an account: --journal CODE.")
    return fitting[0]


def _is_of(account: str, journal: BankJournal) -> bool:
    """Whether an account is the journal's; a Dutch one from before IBAN is the last ten digits of it."""
    if len(account) == 10 and account.isdigit():
        return journal.iban.startswith("NL") and journal.iban.endswith(account)
    return journal.iban == account
