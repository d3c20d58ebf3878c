#!/usr/bin/env python3
"""Shelves through both doors: what is put on them, pages and cursors, a change of a plan seen by the next read of every shelf,
refusals; the same after kill -9."""
import sys

from serving import check, end, equal, fresh

CREATORS = 30


def market(server):
    server.put("parties/shop", {"roles": ["merchant"]})
    server.put("parties/lena", {"roles": ["leader"]})
    for i in range(CREATORS):
        server.put(f"parties/c{i}", {"roles": ["creator"]})
    for i in range(120):
        server.put(f"goods/g{i}", {"merchant": "shop", "title": f"Lamp {i}", "price": 2990, "site": "own", "stock": i})
    server.put("plans/p", {"merchant": "shop", "goods": [f"g{i}" for i in range(120)], "terms": {"commission_bps": 1000}})
    server.put("plans/a", {"merchant": "shop", "kind": "activity", "goods": ["g1", "g2"],
                           "terms": {"commission_bps": 1500, "service_bps": 300, "leader": "lena"}})


def pages(server, creator, kind="showcase", limit=50):
    items, cursor = [], ""
    while cursor is not None:
        page = server.get(f"shelves/{creator}/{kind}?limit={limit}{cursor and '&cursor=' + cursor}")
        items, cursor = items + page["items"], page["next_cursor"]
    return items


def over_resp(server):
    """Every command, and the same page by both doors."""
    door = server.client(3)
    door2 = server.client()
    equal("SHELVE lists", [door("SHELVE", "c0", "showcase", "g1", "OFFER", "a"), door("SHELVE", "c0", "showcase", "g2"),
                           door("SHELVE", "c0", "showcase", "g1", "GROUP", "new", "POLICY", "ask")], [1, 1, 0])
    door("SHELVE", "c0", "showcase", "g3", "PLACE", "0")
    door("SHELFORDER", "c0", "showcase", "g2", "g1")
    page = door("SHELF", "c0", "showcase", "LIMIT", "2")
    said = server.get("shelves/c0/showcase?limit=2")
    equal("SHELF says what GET says", [{**item, "valid": bool(item["valid"])} for item in page["items"]], said["items"])
    equal("and the rest of it", {key: page[key] for key in ("version", "total", "policy", "groups", "next_cursor")},
          {key: said[key] for key in ("version", "total", "policy", "groups", "next_cursor")})
    equal("in this order", [item["goods"] for item in said["items"]], ["g2", "g1"])
    flat = door2("SHELF", "c0", "showcase", "CURSOR", page["next_cursor"])
    equal("RESP2 has arrays for maps", dict(zip(flat[8 + 1][0][::2], flat[8 + 1][0][1::2]))["goods"], "g3")
    equal("SHELFCOUNT", [door("SHELFCOUNT", "g1"), door("SHELFCOUNT", "g100")], [1, 0])
    equal("UNSHELVE", [door("UNSHELVE", "c0", "showcase", "g3", "g4"), door("UNSHELVE", "c0", "showcase", "g3")], [1, 0])
    equal("SHELFCLEAR", [door("SHELFCLEAR", "c0", "showcase"), door("SHELFCLEAR", "c0", "showcase")], [2, 0])
    for words, code in ((("SHELVE", "c0", "showcase", "g999"), "NOT_FOUND"), (("SHELVE", "c0", "window", "g1"), "INVALID"),
                        (("SHELVE", "c0", "showcase", "g1", "PLACE", "-1"), "INVALID"), (("SHELVE", "c0", "showcase", "g1", "PLACE"), "SYNTAX"),
                        (("SHELVE", "c0", "showcase", "g1", "TERMS", "9"), "SYNTAX"), (("SHELVE", "c0", "showcase", "g1", "POLICY", "x"), "INVALID"),
                        (("SHELVE", "c0", "showcase", "g5", "OFFER", "a"), "NO_PLAN"), (("SHELF", "nobody", "showcase"), "NOT_FOUND"),
                        (("SHELF", "c0", "showcase", "LIMIT", "0"), "INVALID"), (("SHELF", "c0", "showcase", "CURSOR", "x"), "INVALID"),
                        (("SHELFCOUNT", "g999"), "NOT_FOUND"), (("SHELVE", "c0", "showcase", "g1", "GROUP", "x" * 65), "INVALID")):
        answer = door(*words)
        equal(" ".join(words)[:50], getattr(answer, "code", answer), code)


def main():
    with fresh() as server:
        server.hold_to_description()
        market(server)
        over_resp(server)
        for i in range(CREATORS):
            reply = server.ask("PUT", f"/api/v1/shelves/c{i}/showcase", {"groups": ["top"], "policy": "ask", "entries": [
                {"goods": "g1", "offer": "a", "group": "top", "policy": "invalid"}] + [{"goods": f"g{n}"} for n in range(120) if n != 1]})
            check(f"c{i}", reply.status in (200, 201), reply.body)
        equal("on so many shelves", server.get("goods/g7:shelves"), {"goods": "g7", "shelves": CREATORS})
        first = pages(server, "c3", limit=7)
        equal("pages make a shelf", [item["place"] for item in first], list(range(120)))
        equal("the chosen offer", [first[0][key] for key in ("goods", "plan", "leader", "earn", "group", "policy")], ["g1", "a@1", "lena", 448, "top", "invalid"])
        equal("sold out", [(item["goods"], item["reason"]) for item in first if not item["valid"]], [("g0", "out_of_stock")])
        server.put("plans/p", {"merchant": "shop", "goods": [f"g{i}" for i in range(120)], "terms": {"commission_bps": 2000}})
        equal("the next read of any shelf sees a plan's change",
              {item["plan"] for i in range(CREATORS) for item in pages(server, f"c{i}")[1:] if item["goods"] != "g2"}, {"p@2"})
        server.ask("DELETE", "/api/v1/plans/a")
        equal("an offer that has ended", [pages(server, "c3")[0].get(key) for key in ("valid", "reason", "plan")], [False, "plan_ended", None])
        server.ask("POST", "/api/v1/shelves/c3/showcase", {"list": [{"goods": "g1", "policy": "shelf"}]})
        equal("asks, where the shelf says so", [pages(server, "c3")[0].get(key) for key in ("valid", "ask")], [False, True])
        server.ask("POST", "/api/v1/shelves/c3/showcase", {"list": [{"goods": "g1", "offer": ""}]})
        equal("and the creator chooses again", [pages(server, "c3")[0].get(key) for key in ("valid", "plan")], [True, "p@2"])
        reply = server.ask("POST", "/api/v1/shelves/c3/showcase", {"remove": ["g5"], "list": [{"goods": "g6"}, {"goods": "g1", "offer": "a"}]})
        equal("all or nothing", [reply.status, reply.json["code"], reply.json["at"]], [422, "plan_ended", "list[1]"])
        equal("a kind that is none", [server.ask("GET", "/api/v1/shelves/c3/window").json[key] for key in ("code", "at")], ["invalid", "kind"])
        before = [pages(server, f"c{i}") for i in range(CREATORS)]
        server.kill()
        server.again()
        equal("the same after kill -9", [pages(server, f"c{i}") for i in range(CREATORS)], before)
        equal("and the counts", server.get("goods/g7:shelves")["shelves"], CREATORS)
        reply = server.ask("DELETE", "/api/v1/shelves/c3/showcase")
        equal("DELETE clears", [reply.json[key] for key in ("total", "removed")], [0, 120])
        equal("and counts", server.get("goods/g7:shelves")["shelves"], CREATORS - 1)
        server.as_described()
        equal("and every field that it tells of was shown", server.description.never_shown(["ShelfPage", "ShelfItem", "ShelfAnswer", "GoodsShelves"]), [])
    end()


if __name__ == "__main__":
    sys.exit(main())
