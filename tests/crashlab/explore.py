#!/usr/bin/env python3
"""Rebuild the states that a power cut could leave on a disk, and look into each with the real store.

The store lives (store_life) on a file system on a disk that logs every write and flush, in order with
every answer that went out (logdisk). From the log, disks are rebuilt as a cut at some moment could have
left them: all that was written so far; only what was flushed; any part of the rest; the last write torn
within. Each is mounted, so that the file system recovers, and the store is opened (store_look): it must
open, and no high-water mark may lie below what had been answered by then. Where ext4 does not mount,
because its own superblock of two sectors was torn, e2fsck takes a copy first, as it does at a boot.

Needs root, FUSE and loop devices. It touches nothing outside its own temporary directory.
"""
import argparse
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

WRITE, FLUSH, MARK, FAULT = 1, 2, 3, 4
HEADER = struct.Struct('<IIQQ')
KINDS = ('prefix', 'flushed', 'subset', 'subset', 'torn')
DIRECTORY = 'data'
MKFS = {
    'ext4': (12, ['mkfs.ext4', '-q', '-F', '-J', 'size=4']),
    'xfs': (320, ['mkfs.xfs', '-q', '-f']),
}


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


class Lab:
    """A temporary place with everything mounted in it, which is taken apart again whatever happens."""

    def __init__(self, options):
        self.options = options
        base = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        self.path = tempfile.mkdtemp(prefix='seqd-crashlab-', dir=base)
        self.repaired = 0  # states that took e2fsck
        self.undo = [lambda: shutil.rmtree(self.path, ignore_errors=True)]

    def at(self, name):
        return os.path.join(self.path, name)

    def close(self):
        while self.undo:
            self.undo.pop()()

    def tool(self, name):
        return os.path.join(self.options.tools, name)


def make_image(lab):
    megabytes, command = MKFS[lab.options.fs]
    run('truncate', '-s', f'{megabytes}M', lab.at('image'))
    run(*command, lab.at('image'))
    run('cp', '--sparse=always', lab.at('image'), lab.at('empty'))
    os.mkdir(lab.at('fuse'))
    os.mkdir(lab.at('mount'))


def start_disk(lab):
    disk = subprocess.Popen([lab.tool('logdisk'), lab.at('image'), lab.at('log'), lab.at('fuse')],
                            stderr=subprocess.DEVNULL)  # it warns of its own default number of threads
    lab.undo.append(lambda: (subprocess.run(['fusermount3', '-q', '-u', lab.at('fuse')], check=False), disk.wait()))
    until = time.monotonic() + 20
    while not os.path.exists(lab.at('fuse/disk')):
        if disk.poll() is not None or time.monotonic() > until:
            raise SystemExit('explore: the logging disk does not come up (is there FUSE?)')
        time.sleep(0.01)


def mount(lab):
    loop = run('losetup', '-f', '--show', lab.at('fuse/disk'), stdout=subprocess.PIPE, text=True).stdout.strip()
    lab.undo.append(lambda: subprocess.run(['losetup', '-d', loop], check=False, stderr=subprocess.DEVNULL))
    run('mount', '-t', lab.options.fs, '-o', lab.options.mount, loop, lab.at('mount'))
    lab.undo.append(lambda: subprocess.run(['umount', '-q', lab.at('mount')], check=False))
    os.makedirs(lab.at('mount/' + DIRECTORY))


def live(lab, seed):
    """Let the store live on the disk; what it says of its commits."""
    options = lab.options
    environment = dict(os.environ)
    if options.plant in ('nosync', 'nometasync'):
        environment |= {'LIE': options.plant, 'LD_PRELOAD': lab.tool('lying_disk.so')}
    plant = [options.plant] if options.plant in ('early', 'ignore') else []
    life = subprocess.run([lab.tool('store_life'), lab.at('mount/' + DIRECTORY), lab.at('fuse'), str(options.commits),
                           str(seed), str(options.faults)] + plant,
                          env=environment, stdout=subprocess.PIPE, text=True, timeout=300)
    if life.returncode != 0:
        raise SystemExit(f'explore: the store ended with {life.returncode}')
    return life.stdout.strip()


def record(lab, seed):
    make_image(lab)
    start_disk(lab)
    mount(lab)
    said = live(lab, seed)
    while len(lab.undo) > 1:
        lab.undo.pop()()
    return said


def read_log(path):
    events = []
    with open(path, 'rb') as log:
        data = log.read()
    at = 0
    while at < len(data):
        kind, length, offset, value = HEADER.unpack_from(data, at)
        at += HEADER.size
        events.append((kind, offset, value, data[at:at + length]))
        at += length
    return events


class Replay:
    """The disk as it was flushed up to some event, and what was written since."""

    def __init__(self, lab, events):
        self.events = events
        self.position = 0
        self.pending = []
        self.answered = {}
        run('cp', '--sparse=always', lab.at('empty'), lab.at('flushed'))
        self.fd = os.open(lab.at('flushed'), os.O_RDWR)

    def advance(self, to):
        for kind, offset, value, data in self.events[self.position:to]:
            if kind == WRITE:
                self.pending.append((offset, data))
            elif kind == FLUSH:
                for at, piece in self.pending:
                    os.pwrite(self.fd, piece, at)
                self.pending = []
            elif kind == MARK:
                self.answered[offset] = max(value, self.answered.get(offset, 0))
        self.position = to

    def surviving(self, kind, choose):
        if kind == 'prefix':
            return self.pending
        if kind == 'flushed':
            return []
        if kind == 'subset':
            return [write for write in self.pending if choose.random() < 0.5]
        torn = list(self.pending)
        if torn:
            at, piece = torn[-1]
            torn[-1] = (at, piece[:512 * choose.randrange(0, max(1, len(piece) // 512))])
        return torn


def mount_state(lab, state, place):
    """None, or why it does not mount."""
    how = 'loop,nouuid' if lab.options.fs == 'xfs' else 'loop'
    command = ['mount', '-t', lab.options.fs, '-o', how, state, place]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0 and lab.options.fs == 'ext4':
        lab.repaired += 1
        subprocess.run(['e2fsck', '-f', '-y', state], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mounted = subprocess.run(command, capture_output=True, text=True)
    return None if mounted.returncode == 0 else 'the file system does not mount: ' + mounted.stderr.strip()


def look(lab, replay, kind, choose):
    """One state: None, or what is wrong with it."""
    state, place = lab.at('state'), lab.at('mount')
    run('cp', '--sparse=always', lab.at('flushed'), state)
    fd = os.open(state, os.O_RDWR)
    for at, piece in replay.surviving(kind, choose):
        os.pwrite(fd, piece, at)
    os.close(fd)
    refused = mount_state(lab, state, place)
    if refused is not None:
        return refused
    try:
        seen = subprocess.run([lab.tool('store_look'), os.path.join(place, DIRECTORY)], capture_output=True, text=True)
    finally:
        run('umount', place)
    if seen.returncode != 0:
        return f'the store is not as it should be ({seen.returncode}): ' + seen.stderr.strip()
    marks = dict(line.split() for line in seen.stdout.splitlines())
    for index, answered in replay.answered.items():
        mark = int(marks.get('abc'[index], -1))
        if mark < answered:
            return f"the mark of '{'abc'[index]}' is {mark}, numbers below {answered} had been answered"
    return None


def explore(lab, events, seed):
    choose = random.Random(seed)
    marks = [i for i, event in enumerate(events) if event[0] == MARK]
    if not marks:
        raise SystemExit('explore: the store answered nothing')
    moments = sorted((choose.randrange(marks[0], len(events) + 1), choose.choice(KINDS))
                     for _ in range(lab.options.states))
    replay = Replay(lab, events)
    wrong = []
    for done, (moment, kind) in enumerate(moments):
        replay.advance(moment)
        reason = look(lab, replay, kind, choose)
        if reason is not None:
            wrong.append(f'event {moment} ({kind}): {reason}')
            if lab.options.stop_at_first:
                return done + 1, wrong
        if sys.stdout.isatty() and done % 20 == 0:
            print(f'\r{done}/{len(moments)}', end='', flush=True)
    if sys.stdout.isatty():
        print('\r', end='')
    return len(moments), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tools', required=True, help='the folder of logdisk, store_life, store_look, lying_disk.so')
    parser.add_argument('--fs', choices=sorted(MKFS), default='ext4')
    parser.add_argument('--mount', default='defaults', help='mount options while the store lives')
    parser.add_argument('--states', type=int, default=500)
    parser.add_argument('--commits', type=int, default=600)
    parser.add_argument('--faults', type=int, default=0, help='of a hundred commits meet an I/O error')
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    parser.add_argument('--plant', choices=['nosync', 'nometasync', 'early', 'ignore'], help='a fault to be found')
    parser.add_argument('--stop-at-first', action='store_true')
    options = parser.parse_args()
    lab = Lab(options)
    try:
        said = record(lab, options.seed)
        events = read_log(lab.at('log'))
        count = [sum(1 for event in events if event[0] == kind) for kind in (WRITE, FLUSH, MARK, FAULT)]
        began = time.monotonic()
        states, wrong = explore(lab, events, options.seed)
        took = time.monotonic() - began
    finally:
        lab.close()
    for reason in wrong[:5]:
        print('  wrong:', reason)
    print(f'states: {options.fs} {options.mount}{" " + options.plant if options.plant else ""}: {states} states, '
          f'{len(wrong)} wrong; {said}; {count[0]} writes, {count[1]} flushes, {count[2]} answers, {count[3]} I/O errors; '
          f'{lab.repaired} repaired; {1000 * took / states:.0f} ms each, seed {options.seed}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
