"""Environments: ``make_environment`` builds a batch of them from a task's card."""

from a2d.environments.check import check_card
from a2d.environments.factory import make_environment, open_environment
from a2d.environments.vector import BatchedEnvironment

__all__ = ["BatchedEnvironment", "check_card", "make_environment", "open_environment"]
