"""GPUs: device plugins, taints and limits."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import GPU_NODE, Bench, Breaks, Manifest, add, remove

mutant = partial(declare, area="gpu")

PLUGIN = ("daemonset", "gpu-device-plugin", "kube-system")
ASKS = (
    'has(object.spec.containers[0].resources.limits) && "nvidia.com/gpu" in object.spec.containers[0].resources.limits'
)
SERVED = """
import device_plugin as plugin
messages = plugin.messages
{change}
plugin.main()
"""


def plugin(bench: Bench, change: str, *, vendor: str = "nvidia", count: int = 2) -> None:
    """Run a vendor's stand-in with its module ``plugin`` changed by lines of Python, and so many devices."""
    resource = {"name": "RESOURCE", "value": f"{vendor}.com/gpu"}

    def served(container: Manifest) -> Manifest:
        if resource not in container["env"]:
            return container
        command = ["python3", "-c", SERVED.format(change=change)]
        return {**container, "env": [resource, {"name": "COUNT", "value": str(count)}], "command": command}

    def changed(former: Manifest) -> Manifest:
        containers = [served(container) for container in former["spec"]["template"]["spec"]["containers"]]
        return {"spec": {"template": {"spec": {"containers": containers}}}}

    gpus(bench)
    bench.patch(*PLUGIN, changed)
    bench.wait("rollout", "status", "daemonset/gpu-device-plugin", "--namespace=kube-system")
    offered(bench, count, vendor)


def gpus(bench: Bench) -> None:
    """Only runs with GPUs notice."""
    bench.breaks = Breaks.GPUS


def offered(bench: Bench, count: int, vendor: str = "nvidia") -> None:
    """Wait until the GPU node offers so many devices."""
    path = f"--for=jsonpath={{.status.allocatable['{vendor}\\.com/gpu']}}={count}"
    bench.wait("wait", "node", GPU_NODE, path)


@mutant("device-plugin-gone")
def device_plugin_gone(bench: Bench) -> None:
    """The device plugin runs on no node: GPU nodes offer nothing."""

    def nowhere(_: Manifest) -> Manifest:
        return {"spec": {"template": {"spec": {"nodeSelector": {"mfconf.dev/pool": "none"}}}}}

    gpus(bench)
    bench.patch(*PLUGIN, nowhere)
    offered(bench, 0)


@mutant("same-device-twice")
def same_device_twice(bench: Bench) -> None:
    """The device plugin hands out one and the same device to every container."""
    plugin(
        bench,
        "allocate = plugin.Plugin.Allocate\n"
        "def same(self, request, context):\n"
        "    for container in request.container_requests:\n"
        "        del container.devices_ids[:]\n"
        "        container.devices_ids.append(plugin.DEVICES[0])\n"
        "    return allocate(self, request, context)\n"
        "plugin.Plugin.Allocate = same",
    )


@mutant("device-without-name")
def device_without_name(bench: Bench) -> None:
    """The device plugin gives a container the device, but not the environment that names it."""
    plugin(
        bench,
        "allocate = plugin.Plugin.Allocate\n"
        "def nameless(self, request, context):\n"
        "    answer = allocate(self, request, context)\n"
        "    for container in answer.container_responses:\n"
        "        container.envs.clear()\n"
        "    return answer\n"
        "plugin.Plugin.Allocate = nameless",
    )


@mutant("name-without-device")
def name_without_device(bench: Bench) -> None:
    """The device plugin names a device, but does not give it to the container."""
    plugin(
        bench,
        "allocate = plugin.Plugin.Allocate\n"
        "def empty(self, request, context):\n"
        "    answer = allocate(self, request, context)\n"
        "    for container in answer.container_responses:\n"
        "        del container.devices[:]\n"
        "    return answer\n"
        "plugin.Plugin.Allocate = empty",
    )


@mutant("all-devices-to-each")
def all_devices_to_each(bench: Bench) -> None:
    """The device plugin gives every container all devices of the node."""
    plugin(
        bench,
        "allocate = plugin.Plugin.Allocate\n"
        "def everything(self, request, context):\n"
        "    for container in request.container_requests:\n"
        "        del container.devices_ids[:]\n"
        "        container.devices_ids.extend(plugin.DEVICES)\n"
        "    return allocate(self, request, context)\n"
        "plugin.Plugin.Allocate = everything",
    )


@mutant("devices-unhealthy")
def devices_unhealthy(bench: Bench) -> None:
    """The device plugin reports every device as unhealthy."""
    plugin(
        bench,
        "device = messages.Device\nmessages.Device = lambda ID, health: device(ID=ID, health='Unhealthy')",
        count=2,
    )
    bench.waits.pop()
    offered(bench, 0)


@mutant("devices-shared-in-secret")
def devices_shared_in_secret(bench: Bench) -> None:
    """Two devices are advertised as four, and no label tells that they are shared."""
    plugin(
        bench,
        "allocate = plugin.Plugin.Allocate\n"
        "def shared(self, request, context):\n"
        "    for container in request.container_requests:\n"
        "        halves = {plugin.DEVICES[plugin.DEVICES.index(name) // 2] for name in container.devices_ids}\n"
        "        del container.devices_ids[:]\n"
        "        container.devices_ids.extend(sorted(halves))\n"
        "    return allocate(self, request, context)\n"
        "plugin.Plugin.Allocate = shared",
        count=4,
    )


@mutant("devices-not-given-back", hangs=True)
def devices_not_given_back(bench: Bench) -> None:
    """A device that was handed out once is reported as unhealthy ever after."""
    plugin(
        bench,
        "import time\n"
        "allocate, used = plugin.Plugin.Allocate, set()\n"
        "def once(self, request, context):\n"
        "    used.update(name for container in request.container_requests for name in container.devices_ids)\n"
        "    return allocate(self, request, context)\n"
        "def told(self, request, context):\n"
        "    while context.is_active():\n"
        "        states = [(name, 'Unhealthy' if name in used else 'Healthy') for name in plugin.DEVICES]\n"
        "        devices = [messages.Device(ID=name, health=health) for name, health in states]\n"
        "        yield messages.ListAndWatchResponse(devices=devices)\n"
        "        time.sleep(1)\n"
        "plugin.Plugin.Allocate, plugin.Plugin.ListAndWatch = once, told",
    )


@mutant("amd-without-compute-node")
def amd_without_compute_node(bench: Bench) -> None:
    """AMD's device plugin gives a container the GPU's own nodes, but not /dev/kfd, through which all compute."""
    plugin(
        bench,
        "nodes = plugin.amd_nodes\nplugin.amd_nodes = lambda numbers: nodes(numbers)[1:]",
        vendor="amd",
        count=1,
    )


@mutant("gpu-nodes-cordoned")
def gpu_nodes_cordoned(bench: Bench) -> None:
    """The GPU nodes were cordoned for maintenance, and forgotten."""
    gpus(bench)
    bench.patch("node", GPU_NODE, "", lambda _: {"spec": {"unschedulable": True}})


@mutant("toleration-lost", hangs=True)
def toleration_lost(bench: Bench) -> None:
    """A policy takes tolerations away: GPU steps find no node."""
    bench.pods(remove("/spec/tolerations"), where=ASKS)


@mutant("toleration-too-wide")
def toleration_too_wide(bench: Bench) -> None:
    """A policy has every pod tolerate every taint: CPU steps take the GPU nodes."""
    affinity = {"key": "nvidia.com/gpu.present", "operator": "Exists"}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}
    bench.pods(
        add("/spec/tolerations", [{"operator": "Exists"}]),
        add("/spec/affinity", {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}),
    )


@mutant("gpu-limit-lost")
def gpu_limit_lost(bench: Bench) -> None:
    """A policy takes the limit for GPUs away: the step runs without one, on any node."""
    bench.pods(
        remove("/spec/containers/0/resources/limits/nvidia.com~1gpu"),
        remove("/spec/containers/0/resources/requests/nvidia.com~1gpu"),
        where=ASKS,
    )
