"""Inside a step with a real GPU, the driver sees it, and it computes."""

from conformance.requirement import equal, requirement

REAL = {"gpu", "gpu-whole", "gpu-real"}


@requirement("GPU-020", scenario="gpu", on="kubernetes", needs=REAL)
def test_nvml_sees_what_was_asked_for(run):
    """NVML inside a one-GPU step sees one GPU.

    Why: frameworks take every GPU that they see; one too many is someone else's.
    """
    for task in run.steps["work"]:
        seen = task["nvml"]
        assert seen is not None, (
            f"{task.pathspec}: no libnvidia-ml.so.1 inside the step: is NVIDIA's container runtime the node's default, "
            "and 'utility' among NVIDIA_DRIVER_CAPABILITIES?"
        )
        assert not seen["error"], f"{task.pathspec}: NVML inside the step: {seen['error']}"
        equal(len(seen["uuids"]), 1, f"{task.pathspec}: GPUs that NVML sees in a step that asks for one, {seen}")


@requirement("GPU-021", scenario="gpu", on="kubernetes", needs=REAL)
def test_the_gpu_computes(run):
    """A one-GPU step fills memory of its GPU through CUDA, and reads back what it wrote.

    Why: driver, device and permissions may each be there and not fit together; a framework then falls back to the CPU.
    """
    for task in run.steps["work"]:
        did = task["computed"]
        assert did is not None, (
            f"{task.pathspec}: no libcuda.so.1 inside the step: is NVIDIA's container runtime the node's default, "
            "and 'compute' among NVIDIA_DRIVER_CAPABILITIES?"
        )
        assert not did["error"], f"{task.pathspec}: CUDA inside the step: {did['error']}"
        equal(did["count"], 1, f"{task.pathspec}: GPUs that CUDA sees in a step that asks for one")
        equal(did["sum"], 1024 * 7, f"{task.pathspec}: sum of 1024 numbers 7 that the GPU wrote")
