#!/usr/bin/env python3
"""`tributary credit` against an independent twin: every model over real touch logs and path files, where they are, and
over small made ones. The twin is written from the statement of the door, in fractions, without a look at the C code."""
import csv
import gzip
import io
import os
import random
import subprocess
import tempfile
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

BIN = os.environ.get("TRIB_BIN", "build/tributary")
SOURCE = os.environ.get("TRIB_SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
DATA = os.environ.get("TRIB_SHARED_DATA", os.path.join(SOURCE, "..", "shared", "data"))
MODELS = ("last", "first", "priority", "linear", "position", "decay")
SI05 = os.path.join(DATA, "touchpoints-si05", "attribution_data.csv.gz")
PATHS = os.path.join(DATA, "channelattribution-paths", "Data.csv")
SI05_COLUMNS = ("--user", "customer_id", "--time", "time", "--channel", "channel", "--kind", "interaction",
                "--touch", "impression", "--conversion", "conversion", "--value", "conversion_value")
DAY = 86400
done = 0


def check(name, good, detail=""):
    global done
    done += 1
    print(f"{'ok' if good else 'not ok'} {done} - {name}")
    if not good:
        for line in str(detail).splitlines():
            print(f"# {line}")


def skip(name, why):
    global done
    done += 1
    print(f"ok {done} - {name} # SKIP {why}")


def run(*words, code=0, text=None):
    result = subprocess.run([BIN, "credit", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=120)
    if result.returncode != code:
        check(f"credit {' '.join(words)} ends with {code}", False, result)
    return result


# --- The twin --------------------------------------------------------------------------------------------


def halving(age, half_life):
    """round(2^32 × 2^(−age/half_life)) of integers, to the nearest, half a unit up."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(2) ** 32 * Decimal(2) ** (-Decimal(age) / Decimal(half_life))
        return int(exact + Decimal("0.5"))


def weights_of(model, path, ages, half_life, priority):
    n = len(path)
    if model == "last":
        return [0] * (n - 1) + [1]
    if model == "first":
        return [1] + [0] * (n - 1)
    if model == "priority":
        ranks = [priority.index(channel) if channel in priority else len(priority) for channel in path]
        best = max(i for i in range(n) if ranks[i] == min(ranks))
        return [int(i == best) for i in range(n)]
    if model == "linear" or n <= 2:
        if model != "decay":
            return [1] * n
    if model == "position":
        return [Fraction(40)] + [Fraction(20, n - 2)] * (n - 2) + [Fraction(40)]
    weights = [halving(age, half_life) for age in ages]
    return weights if any(weights) else [0] * (n - 1) + [1]


class Twin:
    def __init__(self, model, priority=(), half_life=7 * DAY):
        self.model, self.priority, self.half_life = model, list(priority), half_life
        self.conversions, self.cents = {}, {}

    def credit(self, path, ages, conversions, value):
        cents = int((Decimal(value) * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)) if value else 0
        if not path:
            path, weights = [None], [1]
        else:
            weights = weights_of(self.model, path, ages, self.half_life, self.priority)
        total, left = sum(weights), cents
        for i, (channel, weight) in enumerate(zip(path, weights)):
            part = left if i == len(path) - 1 else int(Fraction(cents * weight) / total)
            left -= part
            count = Fraction(conversions) * weight / total
            if count or part:
                self.conversions[channel] = self.conversions.get(channel, 0) + count
                self.cents[channel] = self.cents.get(channel, 0) + part

    def table(self):
        rows = ["channel,conversions,value"]
        for channel in sorted(self.conversions, key=lambda name: (name is None, (name or "").encode())):
            millionths = round(self.conversions[channel] * 10**6)  # Fraction rounds half to even
            cents = self.cents[channel]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerow([channel if channel is not None else "(none)"])
            rows.append(f"{text.getvalue()[:-1]},{millionths // 10**6}.{millionths % 10**6:06d},"
                        f"{cents // 100}.{cents % 100:02d}")
        return "\n".join(rows) + "\n"


def twin_of_log(rows, model, priority, window, half_life):
    """rows: (user, seconds, kind, channel, value) in the order of the file."""
    twin, touches = Twin(model, priority, half_life), {}
    for place, (user, at, kind, channel, _) in enumerate(rows):
        if kind == "impression":
            touches.setdefault(user, []).append((at, place, channel))
    for user, at, kind, _, value in rows:
        if kind == "conversion":
            counted = sorted(touch for touch in touches.get(user, []) if at - window <= touch[0] < at)
            twin.credit([touch[2] for touch in counted], [at - touch[0] for touch in counted], 1, value)
    return twin.table()


def twin_of_paths(path, model, priority):
    twin = Twin(model, priority)
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            touches = row["path"].split(" > ") if row["path"] else []
            twin.credit(touches, [0] * len(touches), Fraction(row["total_conversions"]), row["total_conversion_value"])
    return twin.table()


def seconds_of(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=timezone.utc).timestamp())


# --- Real input ------------------------------------------------------------------------------------------


def real_touches():
    if not os.path.exists(SI05):
        skip("credit on touchpoints-si05", "the data is not there")
        return
    with gzip.open(SI05, "rt", encoding="utf-8", newline="") as file:
        rows = [(r["customer_id"], seconds_of(r["time"]), r["interaction"], r["channel"], r["conversion_value"])
                for r in csv.DictReader(file)]
    priority = "Online Video,Paid Search,Online Display"
    for model in MODELS:
        for window in (30, 2):
            words = ("--model", model, "--priority", priority, "--window", f"{window}d", *SI05_COLUMNS, SI05)
            found = run(*words).stdout.decode()
            expected = twin_of_log(rows, model, priority.split(","), window * DAY, 7 * DAY)
            check(f"touchpoints-si05, {model}, {window} days", found == expected, f"{found}\n{expected}")
            if window == 30:
                lines = [line.rsplit(",", 2) for line in found.splitlines()[1:]]
                check(f"touchpoints-si05, {model}: 238 of 1838 conversions have no earlier touch",
                      lines[-1][:2] == ["(none)", "238.000000"]
                      and abs(sum(Decimal(line[1]) for line in lines) - 1838) <= Decimal("0.00001")
                      and sum(Decimal(line[2]) for line in lines) == Decimal("11423.50"), found)
    found = run("--model", "linear", *SI05_COLUMNS, SI05).stdout
    with gzip.open(SI05, "rb") as file:
        plain = file.read()
    check("unpacked, from standard input", run("--model", "linear", *SI05_COLUMNS, "-", text=plain).stdout == found)
    head, *tail = plain.splitlines()
    random.Random(7).shuffle(tail)
    shuffled = b"\n".join([head, *tail])
    check("rows in any order", run("--model", "linear", *SI05_COLUMNS, "-", text=shuffled).stdout == found)


def real_paths():
    if not os.path.exists(PATHS):
        skip("credit on channelattribution-paths", "the data is not there")
        return
    priority = ["theta", "beta", "lambda"]
    for model in MODELS[:-1]:
        for words in ((), ("--format", "paths")):
            found = run("--model", model, "--priority", ",".join(priority), *words, PATHS).stdout.decode()
            check(f"channelattribution-paths, {model} {' '.join(words)}", found == twin_of_paths(PATHS, model, priority), found)
    check("paths refuse decay", b"decay" in run("--model", "decay", PATHS, code=1).stderr)
    check("paths refuse a window", b"--window" in run("--model", "last", "--window", "30d", PATHS, code=1).stderr)


# --- Made input ------------------------------------------------------------------------------------------

ZONES = ("{:%Y-%m-%dT%H:%M:%SZ}", "{:%Y-%m-%d %H:%M:%S}", "{:%Y-%m-%dT%H:%M:%S+00:00}", "{:%Y-%m-%d %H:%M:%S UTC}", "{:%Y-%m-%d %H:%M:%S} +0000")


def made_touches(seed):
    """Few users, channels with everything that CSV quotes, equal times, every form of a time."""
    draw = random.Random(seed)
    channels = ["a", "B", "Ä ö", 'say "x"', "x, y", "two\nlines", " lead", "(other)", "ä"]
    rows = []
    for _ in range(400):
        at = 1_530_000_000 + draw.randrange(0, 40 * DAY, draw.choice((1, 3600, DAY)))
        kind = draw.choice(("impression",) * 6 + ("conversion", "other"))
        value = draw.choice(("0", "1", "0.005", "0.015", "12.345", "99.999", "1e2", "7.", "33.33"))
        rows.append((draw.choice("uvwxyz"), at, kind, draw.choice(channels), value))
    return rows


def write_log(rows, delimiter, seed):
    draw, text = random.Random(seed), io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw.choice(("\n", "\r\n")))
    writer.writerow(("v", "who", "when", "extra", "what", "where"))
    for user, at, kind, channel, value in rows:
        when = datetime.fromtimestamp(at, timezone.utc)
        form = draw.choice(ZONES + (str(at), f"{at}.000", f"{at}000"))
        writer.writerow((value, user, form.format(when), draw.choice(("", "x;y", "1,2", "\t")), kind, channel))
    return text.getvalue().encode()


def made_logs():
    for seed in range(12):
        rows, delimiter = made_touches(seed), ",;\t"[seed % 3]
        text = write_log(rows, delimiter, seed)
        for model in MODELS:
            window, half_life = random.Random(f"{seed}{model}").choice(((3600, 60), (DAY, DAY), (9 * DAY, 5), (90 * DAY, 9)))
            words = ("--model", model, "--user", "who", "--time", "when", "--channel", "where", "--kind", "what",
                     "--touch", "impression", "--value", "v", "--window", f"{window}s", "--half-life", f"{half_life}s",
                     "--priority", '"x, y",B, ä', "-")
            found = run(*words, text=text).stdout.decode()
            expected = twin_of_log(rows, model, ["x, y", "B", "ä"], window, half_life)
            check(f"made log {seed}, {model}", found == expected, f"{found}\n{expected}")


def refusals():
    with tempfile.TemporaryDirectory() as folder:
        def said(text, *words, code=1, name="log.csv"):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(text)
            return run(*(words or ("--model", "last")), path, code=code).stderr.decode()

        header = b"user,time,channel,kind,value\n"
        good = header + b"u,2020-01-01,a,touch,\nu,2020-01-02,,conversion,5\n"
        check("a good one is good", run("--model", "last", "-", text=good).stdout == b"channel,conversions,value\na,1.000000,5.00\n")
        for name, text, place in (
                ("an empty file", b"", "line 1"),
                ("a missing column", b"user,time,channel,value\n", "named kind"),
                ("a bad time", header + b"u,yesterday,a,touch,1\n", "line 2, column time"),
                ("a bad value", header + b"\nu,1,a,conversion,ten\n", "line 3, column value"),
                ("a negative value", header + b"u,1,a,conversion,-1\n", "line 2, column value"),
                ("an empty user", header + b",1,a,touch,1\n", "line 2, column user"),
                ("an empty channel", header + b"u,1,,touch,1\n", "line 2, column channel"),
                ("a short row", header + b"u,1,a\n", "line 2"),
                ("an open quote", header + b'u,1,"a,touch,1\n', "line 2"),
                ("a bad count", b"path;total_conversions\na > b;many\n", "line 2, column total_conversions"),
                ("an empty step", b"path;total_conversions\na > ;1\n", "line 2, column path"),
                ("a cut archive", gzip.compress(good * 2000)[:-40], "log.csv")):
            said_text = said(text)
            check(f"{name} is refused at {place}", place in said_text, said_text)
        check("no such file", "No such file" in run("--model", "last", os.path.join(folder, "none"), code=1).stderr.decode())
        for words in ((), ("--model",), ("--model", "best", "x"), ("--model", "last"), ("--model", "last", "x", "y"),
                      ("--model", "last", "--window", "soon", "x"), ("--model", "priority", "x"), ("--nothing", "x"),
                      ("--model", "decay", "--half-life", "0s", "x"), ("--model", "last", "--format", "log", "x")):
            check(f"usage: credit {' '.join(words)}", run(*words, code=2).returncode == 2)
        check("help", run("--help").stdout.startswith(b"usage: tributary credit"))


if __name__ == "__main__":
    real_touches()
    real_paths()
    made_logs()
    refusals()
    print(f"1..{done}")
