"""Budgets and usage as annotations of FastAPI, in a module of their own as they load the controls."""

from typing import Annotated

from fastapi import Depends

from ai_client.operations import BudgetBook, UsageBook

from ._dependencies import get_ai_budgets, get_ai_usage

AIBudgetsDep = Annotated[BudgetBook, Depends(get_ai_budgets)]
"""A parameter of this type receives the balances of the budgets."""

AIUsageDep = Annotated[UsageBook, Depends(get_ai_usage)]
"""A parameter of this type receives the reports on usage."""
