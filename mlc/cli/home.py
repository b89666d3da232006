"""Where a command finds its settings and its Temporal."""


def use_home() -> None:
    """Let this process find the Temporal of ``mlc dev``, if the user has named none."""
    from mlc.settings import home
    from mlc.standalone.environment import adopt_temporal_address

    adopt_temporal_address(home())
