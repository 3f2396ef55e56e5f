#!/usr/bin/env python3
"""The ticket grabber as the tutorials on multiprocessing have it: a count in a JSON file and one
lock for all, without the thinking: tickets.py FILE PROCESSES SECONDS

The search is under the lock too: without it, it would find the file half written.

Prints the same JSON as `turnstile bench book --json`.
"""
import json
import multiprocessing
import resource
import sys
import time


def search(file):
    with open(file) as db:
        return json.load(db)["count"]


def purchase(file):
    with open(file) as db:
        data = json.load(db)
    if data["count"] > 0:
        data["count"] -= 1
        with open(file, "w") as db:
            json.dump(data, db)


def buy(file, lock, begin, seconds, results):
    latencies = []
    begin.wait()
    now = time.monotonic()
    end = now + seconds
    while now < end:
        begun = now
        with lock:
            search(file)
            purchase(file)
        now = time.monotonic()
        latencies.append(now - begun)
    results.put(latencies)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    file, processes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    with open(file, "w") as db:
        json.dump({"count": 1_000_000_000}, db)
    lock = multiprocessing.Lock()
    begin = multiprocessing.Event()
    results = multiprocessing.Queue()
    buyers = [multiprocessing.Process(target=buy, args=(file, lock, begin, seconds, results))
              for _ in range(processes)]
    for buyer in buyers:
        buyer.start()
    time.sleep(0.5)
    begun = time.monotonic()
    begin.set()
    latencies = sorted(value for _ in buyers for value in results.get())
    elapsed = time.monotonic() - begun
    for buyer in buyers:
        buyer.join()
    count = len(latencies)
    print(json.dumps({
        "bench": "book", "clients": processes, "seconds": elapsed, "operations": count,
        "per_second": count / elapsed,
        "p50_ms": latencies[count // 2] * 1e3, "p99_ms": latencies[count * 99 // 100] * 1e3,
        "longest_ms": latencies[-1] * 1e3, "refused": 0, "lost": 0, "out_of_order": 0,
        "other_orders": 0, "broken": 0, "cpu_us": cpu_seconds() / count * 1e6}))


if __name__ == "__main__":
    main()
