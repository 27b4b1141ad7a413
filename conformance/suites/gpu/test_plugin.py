"""The device plugin is restarted while GPUs are in use."""

from conformance.requirement import equal, requirement

RESTART = {"gpu", "gpu-whole", "gpu-plugin"}


@requirement("GPU-030", scenario="gpu_restart", on="kubernetes", needs=RESTART, profile="full")
def test_a_step_asks_for_a_gpu_after_the_plugin_was_restarted(launch):
    """A flow ends whose first step holds a GPU while the device plugin is restarted, and whose second asks for one.

    Why: plugins are upgraded under running trainings; one that does not register again leaves nodes without GPUs.
    """
    assert launch.as_expected, launch.explain()


@requirement("GPU-031", scenario="gpu_restart", on="kubernetes", needs=RESTART, profile="full")
def test_a_running_step_keeps_its_gpu(run, launch):
    """A step that holds a GPU while the device plugin is restarted keeps it, and runs to its end in one attempt.

    Why: a day of training lost to an upgrade of a DaemonSet.
    """
    start = run.task("start")
    before, after = start["held"]

    assert start["ended"] > launch.disturbed["at"], f"{start.pathspec} was over before the plugin was restarted"
    equal(len(before), 1, f"{start.pathspec}: devices before the restart, {before}")
    equal(after, before, f"{start.pathspec}: devices after the restart of the device plugin")
    equal(start.attempts, [0], f"{start.pathspec}: attempts")


@requirement("GPU-032", scenario="gpu_restart", on="kubernetes", needs=RESTART, profile="full")
def test_a_device_is_given_after_the_restart(run):
    """A step that starts after the restart of the device plugin has its one device.

    Why: a plugin that forgot which devices are there hands out none, or the wrong number.
    """
    end = run.task("end")

    equal(len(end["devices"]), 1, f"{end.pathspec}: devices after the restart of the device plugin, {end['devices']}")
