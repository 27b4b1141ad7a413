"""Two nodes that work together: each says who it is, and the worker speaks with the main one."""

import os
import socket
import time

from metaflow import FlowSpec, current, kubernetes, parallel, step

PORT = 29500
PATIENCE_S = 150
LOOK_S = 1


def listen():
    """The rank that a worker sent here, or what went wrong."""
    try:
        with socket.create_server(("", PORT)) as server:
            server.settimeout(PATIENCE_S)
            talk, _ = server.accept()
            with talk:
                talk.settimeout(PATIENCE_S)
                heard = talk.recv(16).decode()
                talk.sendall(b"0")
                return heard
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def speak(host):
    """The rank that answers at the main node's address, or what went wrong."""
    until = time.time() + PATIENCE_S
    while True:
        try:
            with socket.create_connection((host, PORT), timeout=10) as talk:
                talk.sendall(str(current.parallel.node_index).encode())
                return talk.recv(16).decode()
        except OSError as error:
            if time.time() > until:
                return f"{type(error).__name__}: {error}"
            time.sleep(LOOK_S)


class MfconfParallel(FlowSpec):
    @step
    def start(self):
        self.next(self.work, num_parallel=2)

    @parallel
    @kubernetes(cpu=0.1, memory=256, disk=1024, port=PORT)
    @step
    def work(self):
        told = current.parallel
        self.rank, self.size, self.main_ip = told.node_index, told.num_nodes, told.main_ip
        self.control_task = told.control_task_id
        self.task_id = current.task_id
        self.variables = {name: value for name, value in os.environ.items() if name.startswith("MF_")}
        self.host = socket.gethostname()
        self.heard = listen() if self.rank == 0 else speak(os.environ["MF_MASTER_ADDR"])
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ranks = sorted(part.rank for part in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfParallel()
