"""Program code that comes with what a profile names, which runs only where the user allows it."""

from engine.profile.schema import Profile


def check_code(profile: Profile, trust_remote_code: bool) -> None:
    """Raises RemoteCodeError where something that a measurement names could run program code and `trust_remote_code`
    does not say that it may; LesionError where that cannot be read. The models' own code is found as they load."""
    for measure in () if trust_remote_code else profile.measure:
        measure.check_code()
