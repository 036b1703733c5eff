"""A proxy that cuts its first answer in the middle, and passes on the others."""

import socket
import threading

from daemon import Connection


class Cutter:
    def __init__(self, daemon):
        self.daemon = daemon
        self.answers = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return  # closed
            with client:
                self.pass_on(client)

    def pass_on(self, client):
        request = b""
        while not request.endswith(b"\r\n\r\n"):  # none of the clients sends a body
            piece = client.recv(65536)
            if not piece:
                return
            request += piece
        connection = Connection(self.daemon.address)
        connection.send(request)
        answer = connection.receive()
        connection.close()
        self.answers += 1
        head = f"HTTP/1.1 {answer.status} cut\r\nConnection: close\r\nContent-Length: {len(answer.body)}\r\n"
        head += f"Content-Type: {answer.headers['content-type']}\r\n\r\n"
        client.sendall(head.encode() + answer.body[: len(answer.body) // 2 if self.answers == 1 else None])

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
