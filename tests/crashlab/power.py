#!/usr/bin/env python3
"""Cut the power of a machine that runs seqd, again and again, and look at every number that it gave.

The machine is a virtual one (qemu, emulated: no /dev/kvm is used) with Debian's kernel; its disk has a
volatile write cache (nbdkit), which is lost with the power. Clients on this machine take numbers over HTTP;
at a moment drawn from the seed both processes are killed. No number may come twice, and none may lie below
one that had been answered before a cut; a cut may lose max_gap of them, and what was on its way.
"""
import argparse
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BOOT_SECONDS = 120
MAX_GAP = {'default': 1000, 'every': 0}
COUNT_MAX = 40


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Book:
    """Every number received of one sequence."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.seen = set()
        self.highest = 0
        self.twice = []
        self.backward = []
        self.gaps = []
        self.before_cut = 0
        self.first_after = None
        self.on_the_way = 0
        self.lost_on_the_way = 0

    def send(self, count):
        with self.lock:
            self.on_the_way += count
            return self.highest

    def receive(self, after, numbers):
        with self.lock:
            self.on_the_way -= len(numbers)
            for number in numbers:
                if number in self.seen:
                    self.twice.append(number)
                self.seen.add(number)
            if numbers[0] <= after:
                self.backward.append((numbers[0], after))
            first = self.first_after
            self.first_after = numbers[0] if first is None else min(first, numbers[0])
            self.highest = max(self.highest, numbers[-1])

    def refuse(self, count):
        with self.lock:
            self.on_the_way -= count

    def cut(self):
        """The power is gone: what was on its way may have been taken and told to nobody."""
        if self.first_after is not None:
            lost = self.first_after - self.before_cut - 1
            if self.before_cut and lost > MAX_GAP[self.name] + self.lost_on_the_way + self.on_the_way + COUNT_MAX:
                self.gaps.append(lost)
            self.before_cut, self.first_after, self.lost_on_the_way = self.highest, None, 0
        elif self.on_the_way:
            self.lost_on_the_way += MAX_GAP[self.name]  # a life that leased and answered nobody
        self.lost_on_the_way += self.on_the_way
        self.on_the_way = 0

    def wrong(self):
        return len(self.twice) + len(self.backward) + len(self.gaps)


class Machine:
    def __init__(self, options, work, port):
        self.socket = os.path.join(work, 'nbd.sock')
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.disk = subprocess.Popen(['nbdkit', '-f', '-U', self.socket, '--filter=cache', 'file',
                                      os.path.join(work, 'disk.img'), 'cache=writeback', 'cache-max-size=1G'],
                                     stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not os.path.exists(self.socket):
            if self.disk.poll() is not None or time.monotonic() > until:
                raise SystemExit('power: nbdkit does not come up')
            time.sleep(0.01)
        self.console = os.path.join(work, 'console.log')
        words = 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check'
        words += f' seqd.mount={options.mount}' + (f' seqd.lie={options.plant}' if options.plant else '')
        self.cpu = subprocess.Popen(
            ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '256', '-nographic',
             '-no-reboot', '-nodefaults', '-serial', 'file:' + self.console, '-kernel',
             os.path.join(options.guest, 'vmlinuz'), '-initrd', os.path.join(options.guest, 'initrd.gz'), '-append',
             words, '-drive', f'file=nbd+unix:///?socket={self.socket},if=none,id=d0,format=raw,cache=writeback',
             '-device', 'virtio-blk-pci,drive=d0', '-netdev',
             f'user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:7000', '-device',
             'virtio-net-pci,netdev=n0,romfile='], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def cut(self):
        for process in (self.cpu, self.disk):
            process.send_signal(signal.SIGKILL)
        for process in (self.cpu, self.disk):
            process.wait()

    def said(self):
        with open(self.console, errors='replace') as console:
            return console.read()[-2000:]


def ask(connection, book, count):
    after = book.send(count)
    connection.request('GET', f'/v1/sequences/{book.name}/next?count={count}')
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == 200:
        book.receive(after, [int(line) for line in body.split()])
    else:
        book.refuse(count)
    return answer.status


def await_boot(machine, port, book):
    until = time.monotonic() + BOOT_SECONDS
    while True:
        if machine.cpu.poll() is not None or time.monotonic() > until:
            raise SystemExit('power: the machine does not serve: ' + machine.said())
        try:
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=0.5)
            connection.request('GET', '/healthz')
            if connection.getresponse().read() == b'ok\n':
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)


def take(port, book, choose, leave):
    try:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
        while not leave.is_set():
            ask(connection, book, choose.randrange(1, COUNT_MAX + 1))
    except (OSError, http.client.HTTPException, ValueError):
        pass  # the power is gone; the book knows what was on its way


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--guest', required=True, help='the folder that guest.sh made')
    parser.add_argument('--cuts', type=int, default=10)
    parser.add_argument('--mount', default='defaults')
    parser.add_argument('--plant', choices=['nosync', 'nometasync'])
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    parser.add_argument('--stop-at-first', action='store_true')
    options = parser.parse_args()
    choose = random.Random(options.seed)
    work = tempfile.mkdtemp(prefix='seqd-power-')
    books = [Book(name) for name in MAX_GAP]
    machine = None
    boots = []
    try:
        subprocess.run(['truncate', '-s', '64M', os.path.join(work, 'disk.img')], check=True)
        subprocess.run(['/sbin/mkfs.ext4', '-q', '-F', os.path.join(work, 'disk.img')], check=True)
        for cut in range(options.cuts + 1):
            port = free_port()
            began = time.monotonic()
            machine = Machine(options, work, port)
            await_boot(machine, port, books[0])
            boots.append(time.monotonic() - began)
            leave = threading.Event()
            clients = [threading.Thread(target=take, args=(port, book, random.Random(choose.random()), leave))
                       for book in books for _ in range(2)]
            for client in clients:
                client.start()
            time.sleep(choose.uniform(0.1, 1.5))  # the moment of the cut is what is drawn
            machine.cut()
            leave.set()
            for client in clients:
                client.join()
            for book in books:
                book.cut()
            print(f'cut {cut}: up after {boots[-1]:.1f} s, {sum(len(book.seen) for book in books)} numbers, '
                  f'{sum(book.wrong() for book in books)} wrong', flush=True)
            if options.stop_at_first and any(book.wrong() for book in books):
                break
    finally:
        if machine is not None:
            machine.cut()
        shutil.rmtree(work, ignore_errors=True)
    for book in books:
        for what, found in (('twice', book.twice), ('backward', book.backward), ('gap', book.gaps)):
            if found:
                print(f'  wrong: {book.name}: {len(found)} {what}, such as {found[:3]}')
    wrong = sum(book.wrong() for book in books)
    print(f'cuts: {options.mount}{" " + options.plant if options.plant else ""}: {len(boots) - 1} power cuts, '
          f'{sum(len(book.seen) for book in books)} numbers, {sum(len(book.twice) for book in books)} twice, '
          f'{wrong} wrong; up after {sorted(boots)[len(boots) // 2]:.1f} s, seed {options.seed}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
