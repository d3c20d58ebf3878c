#!/usr/bin/env python3
"""Real input: every item of the Olist subset, streamed through the running server in the order of purchase.

One order line an item (`<order>/<item>`), base = price in cents, BRL; sellers are merchants, every merchant
has a plan of 10 %. Every line is attributed, the commissions are the floors of a tenth of the prices, and
debits equal credits. Skipped where the data is not there (TRIB_SHARED_DATA names its folder).
"""
import collections
import csv
import decimal
import gzip
import hashlib
import os

import serving
from serving import RespError, check, end, equal, skip

FOLDER = os.path.join(serving.DATA, "olist-subset")
CREATORS = 40


def rows(name):
    path = os.path.join(FOLDER, name)
    with (gzip.open if name.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def creator_of(product):
    return f"creator-{int(hashlib.md5(product.encode()).hexdigest(), 16) % CREATORS}"


def read_items():
    """(purchase time, customer, order/item, goods, seller, cents) by purchase time."""
    orders = {row["order_id"]: (row["order_purchase_timestamp"], row["customer_id"])
              for row in rows("olist_orders_dataset.csv.gz")}
    sellers = collections.defaultdict(set)
    items = list(rows("olist_order_items_dataset.csv.gz"))
    for row in items:
        sellers[row["product_id"]].add(row["seller_id"])
    for row in items:
        product, seller = row["product_id"], row["seller_id"]
        # Goods have one merchant; what several sell is several goods.
        goods = product if len(sellers[product]) == 1 else f"{product}.{seller[:16]}"
        when, customer = orders[row["order_id"]]
        cents = int(decimal.Decimal(row["price"]) * 100)
        yield when, customer, f"{row['order_id']}/{row['order_item_id']}", goods, seller, cents


def load_nouns(server, items):
    categories = {row["product_id"]: row["product_category_name"] for row in rows("olist_products_dataset.csv")}
    sellers = sorted({item[4] for item in items})
    goods = {item[3]: item[4] for item in items}
    by_seller = collections.defaultdict(list)
    for name, seller in sorted(goods.items()):
        by_seller[seller].append(name)
    server.load("parties", [{"id": seller, "roles": ["merchant"]} for seller in sellers] +
                [{"id": f"creator-{i}", "roles": ["creator"]} for i in range(CREATORS)])
    server.load("goods", [{"id": name, "merchant": seller, "category": categories[name.split(".")[0]] or "none",
                           "currency": "BRL", "site": "olist"} for name, seller in sorted(goods.items())])
    server.load("plans", [{"id": f"plan-{seller}", "merchant": seller, "goods": names, "effective_from": 1,
                           "terms": {"commission_bps": 1000}} for seller, names in by_seller.items()])
    server.put("registrations/olist", {"channel": "olist"})
    return sorted(goods)


def balance(server, **query):
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return server.get(f"ledger/balances?{text}")


def main():
    if not os.path.isdir(FOLDER):
        skip("the Olist items", "the data is not there; TRIB_SHARED_DATA names its folder")
        end()
    items = sorted(read_items())
    equal("all items are read", len(items), 8365)
    with serving.fresh() as server:
        goods = load_nouns(server, items)
        client = server.client()
        tokens = dict(zip(goods, client.many(("LINK", "olist", creator_of(name.split(".")[0]), name) for name in goods)))
        check("every item has a link", not any(isinstance(token, RespError) for token in tokens.values()),
              next((token for token in tokens.values() if isinstance(token, RespError)), ""))
        commands = [("ATTRIBUTE", line, customer, name, cents, tokens[name]) for _, customer, line, name, _, cents in items]
        replies = client.many(commands)
        answers = [dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else {"outcome": str(reply)}
                   for reply in replies]
        equal("every line is attributed", collections.Counter(answer["outcome"] for answer in answers),
              {"attributed": len(items)})
        expected = [cents // 10 for _, _, _, _, _, cents in items]
        charged = [answer.get("charged") for answer in answers]
        check("each is charged the floor of a tenth", charged == expected,
              [row for row in zip(commands, charged, expected) if row[1] != row[2]][:3])
        equal("all in BRL", {answer.get("currency") for answer in answers}, {"BRL"})

        creators = balance(server, role="creator", currency="BRL")
        equal("Σ commission = Σ floor(price × 0.1)", sum(row["balance"] for row in creators["items"]), sum(expected))
        equal("debits = credits", balance(server)["total"], 0)

        again = client.many(commands)
        check("repeats are answered alike", again == replies)
        equal("and counted once", sum(row["balance"] for row in balance(server, role="creator")["items"]), sum(expected))
        equal("it stops when asked", server.stop(), 0)
        server.again()
        equal("after a restart the books are the same",
              (balance(server)["total"], sum(row["balance"] for row in balance(server, role="creator")["items"])),
              (0, sum(expected)))
        check("and so are the answers", server.client().many(commands) == replies)
    end()


if __name__ == "__main__":
    main()
