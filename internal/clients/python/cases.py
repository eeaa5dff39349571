"""What the programs of this directory share: the cases one after the other, each with a
line on standard output (internal/clients/doc.go has its form), and values to write."""

import os
import sys
import threading
import traceback
import uuid

BROKERS = os.environ["BROKERS"]
SECURE = os.environ.get("SECURE_BROKERS", "")
CA = os.environ.get("CA_FILE", "")
USER, PASSWORD = "tester", "secret"
SECONDS = 60  # for which a case may take


class Absent(Exception):
    """The client has no such thing."""


def values(n=50):
    return [b"value %03d of a batch that can be compressed" % i for i in range(n)]


def name(kind):
    return "%s-%s" % (kind, uuid.uuid4().hex[:8])


def expect(got, want, what):
    if got != want:
        raise AssertionError("%s: %.200r, not %.200r" % (what, got, want))


def report(word, case, cause=None):
    text = ": " + " ".join(str(cause).split())[:300] if cause is not None else ""
    print("%s %s%s" % (word, case, text), flush=True)


def run(version, cases):
    """Runs the cases, a dict of functions by name. One that hangs ends the program."""
    print("version", version, flush=True)
    for case, function in cases.items():
        if case == "sasl" and not SECURE:
            continue

        def hung():
            report("failed", case, "no end after %d seconds" % SECONDS)
            os._exit(1)

        watch = threading.Timer(SECONDS, hung)
        watch.start()
        try:
            function()
            report("ok", case)
        except Absent as e:
            report("absent", case, e)
        except Exception as e:  # each case stands alone
            traceback.print_exc(file=sys.stderr)
            report("failed", case, repr(e))
        finally:
            watch.cancel()
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads of the clients
