#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands in for the two sources of hardware quotes; what it gives is no evidence of anything.

    attest-stand-in.py tsm FOLDER        as the kernel keeps /sys/kernel/config/tsm/report (provider tdx_guest)
    attest-stand-in.py dstack SOCKET [MODE]   as a dstack guest agent answers GetQuote

MODE: good (default), attestation (no quote but an attestation), other (a quote over something else), drip, error.
Prints "ready" once it can be asked; ends after 120 seconds or with its standard input.
"""
import json
import os
import select
import signal
import socket
import sys
import threading
import time


def quote_over(data):
    """The shape of an Intel quote, version 4: 48 bytes of header, 520 of measurements with the debug bit off, the report
    data, a signature."""
    return b"\4\0\2\0\x81\0\0\0" + b"\x10" * 560 + data + b"\x22" * 400


def put(folder, name, data):
    with open(os.path.join(folder, ".new"), "wb") as f:
        f.write(data)
    os.rename(os.path.join(folder, ".new"), os.path.join(folder, name))


def keep_report(folder):
    """One report instance, from its making to its removal."""
    try:
        put(folder, "inblob", b"")
        put(folder, "provider", b"tdx_guest\n")
        put(folder, "generation", b"0\n")
        data = b""
        while len(data) != 64:
            time.sleep(0.002)
            with open(os.path.join(folder, "inblob"), "rb") as f:
                data = f.read()
        put(folder, "generation", b"1\n")
        put(folder, "auxblob", b"certificates")
        put(folder, "outblob", quote_over(data))
    except OSError:
        pass  # the report was removed


def tsm(folder):
    known = set()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        for name in os.listdir(folder):
            if name not in known and not name.startswith("."):
                known.add(name)
                threading.Thread(target=keep_report, args=(os.path.join(folder, name),), daemon=True).start()


def read_request(connection):
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(4096)
    head, body = text.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
    if lines[0] != "POST /GetQuote HTTP/1.1" or fields["content-type"] != "application/json":
        raise ValueError(lines[0])
    while len(body) < int(fields["content-length"]):
        body += connection.recv(4096)
    return json.loads(body)["report_data"]


def answer(hexa, mode):
    data = bytes.fromhex(hexa)
    said = {"quote": quote_over(data).hex(), "event_log": "[]", "report_data": hexa, "vm_config": '{"cpu_count":1}'}
    if mode == "attestation":
        said["quote"], said["attestation"] = "", "00ff"
    elif mode == "other":
        said["quote"] = quote_over(bytes(64)).hex()
    body = json.dumps(said).encode()
    status = b"500 Internal Server Error" if mode == "error" else b"200 OK"
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def dstack(path, mode):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(8)
    print("ready", flush=True)
    while listener in select.select([sys.stdin, listener], [], [])[0]:
        connection, _ = listener.accept()
        try:
            said = answer(read_request(connection), mode)
            step = 1 if mode == "drip" else len(said)
            for i in range(0, len(said), step):
                connection.sendall(said[i:i + step])
                time.sleep(0.3 if mode == "drip" else 0)
        except OSError:
            pass  # it would not wait
        connection.close()


signal.alarm(120)
if sys.argv[1] == "tsm":
    tsm(sys.argv[2])
else:
    dstack(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "good")
