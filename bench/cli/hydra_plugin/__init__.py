"""The sweeper and launcher that hand Hydra's grid to the sweep engine.

Installed as `hydra_plugins.imbench`: Hydra insists on that prefix. Stock launchers work as well; they call the task
once per cell, and cells are idempotent.
"""

# No `from __future__ import annotations`: Hydra's scan of an installed plugin executes this file outside sys.modules,
# where dataclasses cannot resolve annotations that are text.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from bench.cli.compose import compose, expand, guard
from bench.cli.loader import Loader
from bench.config import ConfigError
from bench.errors import Complaint


@dataclass
class SweeperConf:
    """How Hydra builds the sweeper."""

    _target_: str = "hydra_plugins.imbench.ImbenchSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


@dataclass
class LauncherConf:
    """How Hydra builds the launcher."""

    _target_: str = "hydra_plugins.imbench.ImbenchLauncher"


ConfigStore.instance().store(group="hydra/sweeper", name="imbench", node=SweeperConf, provider="imbench")
ConfigStore.instance().store(group="hydra/launcher", name="imbench", node=LauncherConf, provider="imbench")


def _loader_of(context: HydraContext) -> Loader:
    """The loader of ours that the application had Hydra make."""
    return cast(Loader, context.config_loader)


@contextmanager
def _jobs_end(launcher: Launcher) -> Iterator[None]:
    """Around the jobs of a launcher.

    Raises:
        ConfigError: another one's engine could not bring its jobs to an end: one was killed, say, or refused.
    """
    try:
        yield
    except Exception as error:
        if isinstance(launcher, ImbenchLauncher) or isinstance(error, Complaint):
            raise
        said = (str(error).strip().splitlines() or [""])[0]
        raise ConfigError(
            f"hydra/launcher: expected every job to end, but its engine says {type(error).__name__}: {said}; cells "
            "that have ended are recorded, and the same command runs the others"
        ) from error


class ImbenchSweeper(BasicSweeper):
    """Hydra's grid, each cell once, strategy parameters only where they apply, without composing everything twice."""

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None
        assert self.launcher is not None
        assert self.config is not None
        config, common = self.config.hydra.job.config_name, list(self.config.hydra.overrides.hydra)
        of_file = guard(self._parse_config())
        jobs = expand([*of_file, *arguments], _loader_of(self.hydra_context), config, common)
        returns: list[JobReturn] = []
        for some in self.split_overrides_to_chunks(jobs, self.max_batch_size):
            with _jobs_end(self.launcher):
                returns += self.launcher.launch(some, initial_job_idx=len(returns))
        for job in returns:
            if isinstance(job._return_value, Complaint):  # of another launcher's job; Hydra would print it besides
                raise job._return_value
        values = [job.return_value for job in returns]  # raises what such a job raised
        getattr(self.task, "finished", id)([code for code in values if isinstance(code, int)])
        return [returns]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.task = task_function


class ImbenchLauncher(Launcher):
    """Composes all jobs and gives them to the task at once, if it takes many; else one after another."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        common = list(self.config.hydra.overrides.hydra)
        config = self.config.hydra.job.config_name
        configurations = compose(_loader_of(self.hydra_context), job_overrides, common, config)
        many = getattr(self.task_function, "many", None)
        if many is not None:
            value = many(configurations)
        else:
            value = [self.task_function(OmegaConf.create(one)) for one in configurations]
        return [JobReturn(overrides=list(o), status=JobStatus.COMPLETED, _return_value=value) for o in job_overrides]
