"""The real daemon on a port that the kernel chose, and requests to it, byte for byte as they are given."""

import http.client
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

TIMEOUT_S = 60  # for what takes milliseconds: only a broken daemon needs more


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        assert len(self.headers) == len(response.getheaders()), f"a header stands twice: {response.getheaders()}"
        self.body = response.read()


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=TIMEOUT_S)

    def send(self, request):
        self.socket.sendall(request)

    def receive(self, method="GET"):
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        return Answer(response)

    def close(self):
        self.socket.close()


class Daemon:
    """Started by __init__, which returns when it listens; close() removes what it left."""

    def __init__(self, program, configuration, headers=None):
        """`configuration` maps names to the texts of files; {folder} in seqd.conf stands for where they are. `headers`
        are sent by get()."""
        self.headers = headers or {}
        self.folder = tempfile.mkdtemp(prefix="seqd-test-")
        self.said = []
        os.mkdir(os.path.join(self.folder, "data"), 0o700)
        for name, text in configuration.items():
            with open(os.open(self.file(name), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                file.write(text.replace("{folder}", self.folder))
        # Python ignores SIGXFSZ, and so does the daemon then: see break_store().
        self.process = subprocess.Popen(
            [program, "-c", self.file("seqd.conf"), "-d", self.file("data"), "-p", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            restore_signals=False,
        )
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        found = re.search(r"http://([0-9.]+):(\d+)", line)
        if found is None:
            self.close()
            raise RuntimeError(f"the daemon did not come up: {line}{''.join(self.said)}")
        self.address = (found[1], int(found[2]))

    def file(self, name):
        return os.path.join(self.folder, name)

    def read_log(self):
        for line in self.process.stderr:
            self.said.append(line)

    def ask(self, request, method="GET"):
        """One request over a connection of its own."""
        connection = Connection(self.address)
        try:
            connection.send(request)
            return connection.receive(method)
        finally:
            connection.close()

    def get(self, path):
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: seqd\r\n{lines}\r\n".encode())

    def break_store(self):
        """From now on, until mend_store(), no file can be written."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def mend_store(self):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Returns its exit status, once it has one."""
        if self.process.poll() is None:
            self.terminate()
        return self.process.wait(TIMEOUT_S)

    def close(self):
        """Also where it still runs."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self.folder)
