"""Settings of a runtime."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mlc.settings.reading import Group, home


class RuntimeSettings(Group):
    """A runtime (ModelOp: engine): runs models' code."""

    model_config = SettingsConfigDict(env_prefix="MLC_RUNTIME_")

    name: str = Field("local", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", description="Name of the runtime")
    stage: str = Field("dev", description="Stage that it belongs to (environmentName)")
    tags: list[str] = Field([], description="Service tags: it takes only snapshots with one of them")
    online: bool = Field(False, description="Serve online deployments over HTTP")
    host: str = Field("127.0.0.1", description="Address to listen on, if online")
    port: int = Field(8093, description="Port to listen on, if online")
    url: str | None = Field(None, description="Address under which callers reach it, where it differs")
    token: SecretStr | None = Field(None, description="Bearer token that callers of online models must send")
    work_dir: Path | None = Field(None, description="Working files; unset: $MLC_HOME/runtimes/<name>")
    environment: list[str] = Field([], description="Names of environment variables that models may see")
    isolation: Literal["auto", "process", "landlock", "bubblewrap", "user", "container"] = Field(
        "auto",
        description="How models are isolated (docs/threat-model.md); auto: the strongest level that works here",
    )
    account: str = Field(
        "", description="Account whose programs models are, for the level user: not root's nor its own"
    )
    container_image: str = Field(
        "", description="Image for the level container: it has this runtime's Python, and pandas, at the same place"
    )
    network: bool = Field(False, description="Models may reach the network (process: they may in any case)")
    memory_limit_mb: int = Field(2048, ge=64, description="Memory of one model, MB")
    disk_limit_mb: int = Field(2048, ge=1, description="What one model may write to disk, MB")
    process_limit: int = Field(256, ge=1, description="Processes that one model may have at the same time")
    scoring_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes in which one scoring job calls its function at the same time, with the same outputs as "
        "in one; memory and processes of a model are those of all together",
    )
    time_limit: float = Field(3600, gt=0, description="Seconds for one job")
    online_time_limit: float = Field(
        30, gt=0, description="Seconds that an online request may wait for its model, and again for the answer"
    )
    online_queue_limit: int = Field(64, ge=0, description="Online requests that may wait for a model that is busy")
    online_check_schema: bool = Field(True, description="Refuse online records that are not as the input schema says")
    keep_requests: bool = Field(
        False,
        description="Keep what online models are asked and answer in the centre, for their monitors: the columns of "
        "their schemas alone, for MLC_CENTER_REQUEST_DAYS (docs/monitors.md)",
    )
    answer_limit_mb: int = Field(16, ge=1, le=1024, description="Largest answer of an online model to one request, MB")
    load_time_limit: float = Field(300, gt=0, description="Seconds in which an online model must load")
    install_time_limit: float = Field(
        600, gt=0, description="Seconds in which a model's requirements must be installed; so long an index may be away"
    )
    install_disk_limit_mb: int = Field(
        10240, ge=1, description="What installing a model's requirements may write to disk, MB"
    )
    environments_limit_mb: int = Field(
        20480, ge=0, description="What the environments made for requirements may keep in all, MB; those in use stay"
    )
    contents: Path | None = Field(
        None,
        description="Folder of files fetched from the centre, for all runtimes of one account on a machine; best on "
        "the disk of their working files. Unset: $MLC_HOME/runtime.contents",
    )
    contents_limit_mb: int = Field(
        20480, ge=0, description="What the files fetched from the centre may keep in all, MB; those in use stay"
    )
    fetch_time_limit: float = Field(
        1500,
        gt=0,
        description="Seconds in which one file must come from the centre, which is waited for while it is away; for "
        "online models less than MLC_DEPLOYMENT_DEADLINE",
    )
    source_builds: bool = Field(
        False, description="Build packages that requirements ask for, also from the model's own folder"
    )
    output_limit_mb: int = Field(64, ge=1, description="Outputs or artefacts of one job that go to the centre, MB")
    output_file_limit: int = Field(1000, ge=1, description="Files, and folders, that one job may leave as its outputs")
    collect_time_limit: float = Field(
        300, gt=0, description="Seconds for looking at, hashing and copying what a model left; transfers not counted"
    )
    max_parallel_jobs: int = Field(2, ge=1, description="Jobs that run at the same time")
    loss_limit: int = Field(
        3, ge=2, description="A job has failed whose model was running so often when its runtime was lost"
    )
    max_body: int = Field(1024 * 1024, description="Largest body of an online request, bytes")

    @property
    def folder(self) -> Path:
        """Where this runtime keeps its working files."""
        return (self.work_dir or home() / "runtimes" / self.name).absolute()

    @property
    def contents_folder(self) -> Path:
        """Where files are kept that were fetched from the centre."""
        return (self.contents or home() / "runtime.contents").absolute()
