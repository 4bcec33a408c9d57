"""The operations of `settings.AI_CLIENT`: what its process and its controls know."""

from ai_client import operations
from ai_client.provider import ClientProvider, Clients


class AliasOperations:
    """The operations of one alias."""

    __slots__ = ()

    @property
    def _clients(self) -> Clients:
        raise NotImplementedError

    @property
    def usage(self) -> "operations.UsageBook":
        """Reports on what the calls of these clients used and cost."""
        return self._clients.usage

    @property
    def budgets(self) -> "operations.BudgetBook":
        """The balances of these clients' budgets, to be read, reset and raised."""
        return self._clients.budgets

    @property
    def breakers(self) -> "operations.Breakers":
        """The circuits of the targets that these clients ask, to be read and reset."""
        return self._clients.breakers

    @property
    def cache(self) -> "operations.CacheBook":
        """The cached answers of these clients, to be invalidated."""
        return self._clients.cache

    @property
    def statistics(self) -> "operations.StatisticsBook":
        """The calls of a time as they were added up, over time and by who made them."""
        return self._clients.statistics

    @property
    def journal(self) -> "operations.JournalBook":
        """The last calls of these clients, one by one."""
        return self._clients.journal


class ProviderOperations:
    """The operations of the clients of all aliases."""

    __slots__ = ()

    @property
    def provider(self) -> ClientProvider:
        """The provider of the clients."""
        raise NotImplementedError

    @property
    def usage(self) -> "operations.UsageBook":
        """Reports on what the calls of all clients used and cost."""
        return self.provider.usage

    @property
    def budgets(self) -> "operations.BudgetBook":
        """The balances of all clients' budgets, to be read, reset and raised."""
        return self.provider.budgets

    @property
    def breakers(self) -> "operations.Breakers":
        """The circuits of the targets that are asked, to be read and reset."""
        return self.provider.breakers

    @property
    def cache(self) -> "operations.CacheBook":
        """The cached answers, to be invalidated."""
        return self.provider.cache

    @property
    def statistics(self) -> "operations.StatisticsBook":
        """The calls of a time as they were added up, over time and by who made them."""
        return self.provider.statistics

    @property
    def workers(self) -> "operations.WorkerBook":
        """The clients, connections and calls of each process that shares a store with these clients."""
        return self.provider.workers

    @property
    def journal(self) -> "operations.JournalBook":
        """The last calls of all clients, one by one."""
        return self.provider.journal

    @property
    def process(self) -> "operations.ProcessState":
        """The clients that this process has built, and their connections, at this moment."""
        return self.provider.process

    @property
    def health(self) -> "operations.Health":
        """Whether this process can serve calls now, found out without one; for probes."""
        return self.provider.health
