"""SEQUENCE THREADS NUMBERS: print THREADS x NUMBERS numbers, by the snippet of docs/CLIENTS.md beside this file. A
forked child takes some of them, too."""

import os
import sys
import threading

from seqd import Numbers

numbers = Numbers(sys.argv[1])
threads_wanted, wanted = int(sys.argv[2]), int(sys.argv[3])
failures = []


def take_some():
    try:
        lines = [f"{numbers.take()}\n" for _ in range(wanted)]
        os.write(1, "".join(lines).encode())
    except Exception as error:
        failures.append(error)


def take_all(count):
    threads = [threading.Thread(target=take_some) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


take_all(1)
child = os.fork()
take_all(1 if child == 0 else threads_wanted - 2)
if child != 0:
    failures += [os.waitpid(child, 0)] if os.waitpid(child, 0)[1] != 0 else []
os._exit(1 if failures else 0)
